import { connect, credsAuthenticator, nkeyAuthenticator, type Authenticator, type NatsConnection } from '@nats-io/transport-node';
import { isUserSeed } from '../../shared/contract/nats-login.ts';
import { backoffMs, wait } from './backoff.ts';
import { describe, type Log } from './log.ts';

const CONNECT_TIMEOUT_MS = 2_000;
const RECONNECT_BOUNDS = { minMs: 200, maxMs: 5_000 };

export interface NatsAddress {
  natsServers: string[];
  /** contents of a .creds file, or an NKEY seed */
  natsCreds?: string;
  /** first token of the subjects on which answers come: absent, the client's own */
  natsInboxPrefix?: string;
}

/**
 * Connects to NATS, waiting for it for as long as it takes, and stays connected for good. One log line per change, not per
 * attempt. Undefined only when the signal aborted first.
 */
export async function connectForever(address: NatsAddress, log: Log, signal: AbortSignal): Promise<NatsConnection | undefined> {
  let complained = '';
  for (let attempt = 1; !signal.aborted; attempt += 1) {
    try {
      const connection = await connect(optionsOf(address));
      if (signal.aborted) {
        await connection.close();
        return undefined;
      }
      log('info', 'connected to NATS', { server: connection.getServer() });
      logChanges(connection, log);
      return connection;
    } catch (error) {
      const complaint = describe(error);
      if (complaint !== complained) log('warn', 'waiting for NATS', { error: complaint });
      complained = complaint;
      await wait(backoffMs(attempt, RECONNECT_BOUNDS, Math.random()), signal);
    }
  }
  return undefined;
}

/** One attempt, and a connection that is not made again once it is lost: for who only looks. Rejects with what was refused. */
export async function connectOnce(address: NatsAddress, name: string): Promise<NatsConnection> {
  return await connect({ ...optionsOf(address), name, reconnect: false, ignoreAuthErrorAbort: false });
}

function optionsOf(address: NatsAddress): Parameters<typeof connect>[0] {
  return {
    servers: address.natsServers,
    name: 'millrace-consumers',
    timeout: CONNECT_TIMEOUT_MS,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 500,
    reconnectJitter: 250,
    pingInterval: 10_000,
    maxPingOut: 2,
    // credentials that are being rotated are no reason to give up
    ignoreAuthErrorAbort: true,
    noAsyncTraces: true,
    ...(address.natsInboxPrefix === undefined ? {} : { inboxPrefix: address.natsInboxPrefix }),
    ...(address.natsCreds === undefined ? {} : { authenticator: authenticatorOf(address.natsCreds) }),
  };
}

function authenticatorOf(creds: string): Authenticator {
  const bytes = new TextEncoder().encode(creds.trim());
  return isUserSeed(creds) ? nkeyAuthenticator(bytes) : credsAuthenticator(bytes);
}

function logChanges(connection: NatsConnection, log: Log): void {
  const watch = async (): Promise<void> => {
    for await (const status of connection.status()) {
      if (status.type === 'disconnect') log('warn', 'lost NATS, reconnecting');
      else if (status.type === 'reconnect') log('info', 'connected to NATS again', { server: status.server });
      else if (status.type === 'error') log('warn', 'NATS refused something', { error: describe(status.error) });
    }
  };
  watch().catch((error: unknown) => log('error', 'cannot watch the NATS connection', { error: describe(error) }));
}
