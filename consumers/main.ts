import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { EVENTS_STREAM } from '../shared/contract/subjects.ts';
import { HISTORY_DURABLE, historyProjection } from './projections/history.ts';
import { notificationsProjection } from './projections/notifications.ts';
import { durableWatch } from './query/durable-watch.ts';
import { startResponder } from './query/responder.ts';
import { echoDeadLetters } from './receipts/echo.ts';
import { edgePoster, ReceiptSender } from './receipts/sender.ts';
import { startRelay } from './relay/start.ts';
import { backoffMs, wait, within } from './runtime/backoff.ts';
import type { Settlements } from './runtime/batch.ts';
import { connectForever } from './runtime/connection.ts';
import { jetStreamDeadLetters } from './runtime/dead-letters.ts';
import { JetStreamSource, PULL_EVENTS_MAX } from './runtime/jetstream-source.ts';
import { describe, jsonLog, type Log } from './runtime/log.ts';
import { Runner } from './runtime/runner.ts';
import { ROLES, rolesFrom, settingsFrom, SettingError, type Role, type Settings as RuntimeSettings } from './runtime/settings.ts';
import { signedPoster } from './runtime/signed-post.ts';
import { ACK_WAIT_MS, ensureDurable, ensureStreams } from './runtime/streams.ts';
import { cassandraSettingsFrom, type CassandraSettings } from './stores/history/cassandra-settings.ts';
import type { HistoryStore } from './stores/history/port.ts';
import { openSqliteHistory } from './stores/history/sqlite.ts';

/** Starts the roles asked for, waits for what they need for as long as it takes, and drains on SIGTERM and SIGINT. */

const DRAIN_MS_MAX = 10_000;
const LAST_RECEIPTS_MS_MAX = 3_000;
const CLOSE_MS_MAX = 2_000;
const ENSURE_EVERY_MS = 30_000;
const RETRY_BOUNDS = { minMs: 250, maxMs: 5_000 };
const PAYLOAD_BYTES_DEFAULT = 1024 * 1024;
const RUNNER_BOUNDS = {
  pullEventsMax: PULL_EVENTS_MAX,
  workingEveryMs: ACK_WAIT_MS / 3,
  ensureEveryMs: ENSURE_EVERY_MS,
  drainMsMax: DRAIN_MS_MAX,
};
/** within what the responder gives an answer */
const DURABLE_MS_MAX = 1_000;

type Stop = () => Promise<void>;
/** without `cassandra` the history is in the embedded store */
type Settings = RuntimeSettings & { cassandra?: CassandraSettings };

const log = jsonLog((line) => process.stdout.write(line));

async function main(): Promise<number> {
  let roles: Role[];
  let settings: Settings;
  try {
    const { values } = parseArgs({ options: { roles: { type: 'string', default: ROLES.join(',') } } });
    roles = rolesFrom(values.roles);
    const cassandra = cassandraSettingsFrom(process.env);
    settings = { ...settingsFrom(process.env), ...(cassandra === undefined ? {} : { cassandra }) };
  } catch (error) {
    log('error', error instanceof SettingError ? error.message : describe(error));
    return 2;
  }
  const ending = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => ending.abort());
  const connection = await connectForever(settings, log, ending.signal);
  if (connection === undefined) return 0;
  const ended = new AbortController();
  const started = startAll(roles, connection, settings, ended.signal);
  const closed = await untilEnd(connection, ending.signal);
  if (!ending.signal.aborted) log('error', 'the NATS connection is closed for good', { error: describe(closed) });
  ended.abort();
  await Promise.all((await started).map(async (stop) => await stop()));
  await within(CLOSE_MS_MAX, 'closing', connection.drain()).catch((error: unknown) =>
    log('warn', 'not drained', { error: describe(error) }),
  );
  log('info', 'stopped');
  return ending.signal.aborted ? 0 : 1;
}

/** Starts the roles side by side: none waits for what only another one needs. Never rejects; those that the signal ended are left out. */
async function startAll(
  roles: readonly Role[],
  connection: NatsConnection,
  settings: Settings,
  signal: AbortSignal,
): Promise<Stop[]> {
  const stops = await Promise.all(
    roles.map(async (role) => {
      const stop = await start(role, connection, settings, signal);
      if (stop !== undefined) log('info', 'started', { role });
      return stop;
    }),
  );
  if (!signal.aborted) log('info', 'ready', { roles });
  return stops.filter((stop) => stop !== undefined);
}

/** Starts a role, again and again until it starts. Undefined when the signal aborted first. */
async function start(role: Role, connection: NatsConnection, settings: Settings, signal: AbortSignal): Promise<Stop | undefined> {
  let complained = '';
  for (let attempt = 1; !signal.aborted; attempt += 1) {
    try {
      return await STARTS[role](connection, settings);
    } catch (error) {
      const complaint = describe(error);
      if (complaint !== complained) log('warn', 'waiting to start', { role, error: complaint });
      complained = complaint;
      await wait(backoffMs(attempt, RETRY_BOUNDS, Math.random()), signal);
    }
  }
  return undefined;
}

const STARTS: Readonly<Record<Role, (connection: NatsConnection, settings: Settings) => Promise<Stop>>> = {
  history: startHistory,
  query: startQuery,
  relay: async (connection, settings) => {
    const roleLog: Log = (level, msg, fields) => log(level, msg, { role: 'relay', ...fields });
    return await startRelay(connection, settings, roleLog, { ensureEveryMs: ENSURE_EVERY_MS, drainMsMax: DRAIN_MS_MAX });
  },
  notifications: startNotifications,
};

async function startHistory(connection: NatsConnection, settings: Settings): Promise<Stop> {
  const roleLog: Log = (level, msg, fields) => log(level, msg, { role: 'history', ...fields });
  const manager = await jetstreamManager(connection);
  // first, and whatever the store says: without a stream the edge could hand nothing over
  await ensureStreams(manager, settings, roleLog);
  const store = await openHistory(settings, true);
  const projection = historyProjection(store, Date.now);
  const ensure = async (): Promise<void> => {
    await ensureStreams(manager, settings, roleLog);
    await ensureDurable(manager, projection, roleLog);
  };
  try {
    await ensure();
  } catch (error) {
    await store.close();
    throw error;
  }
  const client = jetstream(connection);
  const post = signedPoster(settings.edgeUrl, settings.internalSecret, Date.now);
  const receipts = new ReceiptSender(
    edgePoster(post, () => store.messageCount?.()),
    roleLog,
  );
  const runner = new Runner(
    {
      projection,
      source: new JetStreamSource(client, projection.name),
      deadLetters: jetStreamDeadLetters(client, connection.info?.max_payload ?? PAYLOAD_BYTES_DEFAULT),
      settlements: receipts,
      ensure,
      log: roleLog,
    },
    RUNNER_BOUNDS,
  );
  receipts.start();
  runner.start();
  echoDeadLetters(manager, client, projection.name, receipts).then(
    (letters) => letters > 0 && roleLog('info', 'told of dead letters again', { letters }),
    (error: unknown) => roleLog('warn', 'could not tell of dead letters again', { error: describe(error) }),
  );
  return async () => {
    await runner.stop();
    await receipts.stop(LAST_RECEIPTS_MS_MAX);
    await store.close();
  };
}

/** Told of nothing that becomes final: receipts speak of the history alone. */
const NOBODY: Settlements = { persisted() {}, buried() {} };

async function startNotifications(connection: NatsConnection, settings: Settings): Promise<Stop> {
  const roleLog: Log = (level, msg, fields) => log(level, msg, { role: 'notifications', ...fields });
  const manager = await jetstreamManager(connection);
  const projection = notificationsProjection(signedPoster(settings.edgeUrl, settings.internalSecret, Date.now), Date.now);
  const ensure = async (): Promise<void> => {
    await ensureStreams(manager, settings, roleLog);
    await ensureDurable(manager, projection, roleLog);
  };
  await ensure();
  const client = jetstream(connection);
  const runner = new Runner(
    {
      projection,
      source: new JetStreamSource(client, projection.name),
      deadLetters: jetStreamDeadLetters(client, connection.info?.max_payload ?? PAYLOAD_BYTES_DEFAULT),
      settlements: NOBODY,
      ensure,
      log: roleLog,
    },
    RUNNER_BOUNDS,
  );
  runner.start();
  return async () => await runner.stop();
}

async function startQuery(connection: NatsConnection, settings: Settings): Promise<Stop> {
  const roleLog: Log = (level, msg, fields) => log(level, msg, { role: 'query', ...fields });
  const store = await openHistory(settings, false);
  await store.health();
  // not checked here: the store can be read while JetStream is away
  const manager = await jetstreamManager(connection, { checkAPI: false, timeout: DURABLE_MS_MAX });
  const isFed = durableWatch(async () => await manager.consumers.info(EVENTS_STREAM, HISTORY_DURABLE), Date.now);
  const responder = startResponder(connection, store, isFed, roleLog);
  return async () => {
    await responder.stop();
    await store.close();
  };
}

async function openHistory({ cassandra, dataDir }: Settings, writes: boolean): Promise<HistoryStore> {
  if (cassandra !== undefined) {
    // loaded where it is used: the driver is large
    const { openCassandraHistory } = await import('./stores/history/cassandra.ts');
    return await openCassandraHistory({ settings: cassandra, writes });
  }
  return openSqliteHistory({ path: join(dataDir, 'history.db'), writes });
}

/** Resolves when a signal came or the connection is closed for good; then with why. */
async function untilEnd(connection: NatsConnection, signal: AbortSignal): Promise<unknown> {
  const signalled = new Promise<undefined>((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
  return await Promise.race([connection.closed(), signalled]);
}

// not exitCode: a call to an edge that does not answer would hold the process
process.exit(await main());
