import type { NatsConnection } from '@nats-io/transport-node';
import { describe, type Log } from './log.ts';

/**
 * What acknowledgements go out on. A server takes those of one connection in their order, so that the confirmation of the last one
 * is that of all before it, as long as the line was the same one throughout.
 */
export interface AckLine {
  /** Another value after every break: what was said before it may never have arrived. */
  breaks(): number;
}

const LINES = new WeakMap<NatsConnection, AckLine>();

/** The line of a connection, which is watched until it is closed; the same for all who use it. */
export function ackLineOf(connection: NatsConnection, log: Log): AckLine {
  const line = LINES.get(connection) ?? watched(connection, log);
  LINES.set(connection, line);
  return line;
}

function watched(connection: NatsConnection, log: Log): AckLine {
  let breaks = 0;
  const watch = async (): Promise<void> => {
    for await (const { type } of connection.status()) {
      // a reconnection too: the client drops what was said while it was trying
      if (type === 'disconnect' || type === 'reconnect') breaks += 1;
    }
  };
  watch().catch((error: unknown) => {
    // nobody would be told of a break any more: nothing is taken for confirmed from here on
    breaks = NaN;
    log('error', 'cannot watch the NATS connection', { error: describe(error) });
  });
  return { breaks: () => breaks };
}
