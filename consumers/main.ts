import { mkdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { TelemetrySettingError } from '../shared/telemetry/settings.ts';
import type { Tracer } from '../shared/telemetry/tracer.ts';
import { startAdmin } from './admin/start.ts';
import { ProcessHealth } from './health/process-health.ts';
import { serveParts } from './health/serve.ts';
import { prometheusMetrics, type PrometheusMetrics } from './metrics/prometheus.ts';
import { metricsRoute, startLag } from './metrics/start.ts';
import { startHistoryQuery, startSearchQuery } from './query/start.ts';
import { servePulse } from './pulse/pulse.ts';
import { RoleBook } from './pulse/role-book.ts';
import { READ_MODELS } from './read-models.ts';
import { startRelay } from './relay/start.ts';
import { openTelemetry, type Telemetry } from './runtime/telemetry.ts';
import { backoffMs, wait, within } from './runtime/backoff.ts';
import { connectForever } from './runtime/connection.ts';
import { endpointSettingsFrom, serveEndpoint, type EndpointSettings } from './runtime/endpoint.ts';
import { describe, jsonLog, type Log } from './runtime/log.ts';
import { rolesFrom, SettingError } from './runtime/settings.ts';
import { DRAIN_MS_MAX, ENSURE_EVERY_MS, startReadModel } from './runtime/start-read-model.ts';
import { ensureStreams } from './runtime/streams.ts';
import { SYSTEM_TIME } from './runtime/time.ts';
import { watchEventLoop } from './runtime/watchdog.ts';
import { nameOfWorker } from './runtime/worker-name.ts';
import { settingsFrom, type Settings } from './settings.ts';
import { startUpkeep } from './upkeep/start.ts';

/** Starts the roles asked for, waits for what they need for as long as it takes, and drains on SIGTERM and SIGINT. */

const CLOSE_MS_MAX = 2_000;
/** the whole of the ending, each part of which has a bound of its own: whatever is not done by then comes again to another */
const END_MS_MAX = 25_000;
const RETRY_BOUNDS = { minMs: 250, maxMs: 5_000 };

type Stop = () => Promise<void>;
type Start = (connection: NatsConnection, settings: Settings, log: Log, parts: Parts) => Promise<Stop>;

const log = jsonLog((line) => process.stdout.write(line));

async function main(): Promise<number> {
  let roles: string[];
  let settings: Settings;
  let endpoint: EndpointSettings;
  let telemetry: Telemetry;
  try {
    const { values } = parseArgs({ options: { roles: { type: 'string', default: KNOWN.join(',') } } });
    roles = rolesFrom(values.roles, KNOWN);
    settings = settingsFrom(process.env);
    endpoint = endpointSettingsFrom(process.env);
    telemetry = await openTelemetry(process.env, log);
    mkdirSync(settings.dataDir, { recursive: true });
  } catch (error) {
    log('error', error instanceof SettingError || error instanceof TelemetrySettingError ? error.message : describe(error));
    return 2;
  }
  watchEventLoop(log);
  const metrics = prometheusMetrics();
  const health = new ProcessHealth();
  const stopEndpoint = serveEndpoint(endpoint, new Map([['/metrics', metricsRoute(metrics)], ...health.routes()]), log);
  const ending = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => ending.abort());
  const connection = await connectForever(settings, log, ending.signal);
  if (connection === undefined) {
    await stopEndpoint();
    return 0;
  }
  const ended = new AbortController();
  const book = new RoleBook({ roles, known: KNOWN }, nameOfWorker(SYSTEM_TIME), SYSTEM_TIME);
  health.connected(connection, book);
  const silence = [book.watch(), servePulse(connection, () => book.report(), log)];
  const stopParts = await serveParts(connection, log);
  const parts = { connection, settings, metrics, tracer: telemetry.tracer, book };
  const started = startAll(roles, parts, ended.signal);
  const closed = await untilEnd(connection, ending.signal);
  if (!ending.signal.aborted) log('error', 'the NATS connection is closed for good', { error: describe(closed) });
  ended.abort();
  endLatest();
  // first: whoever asks is to learn that nothing more is done here
  health.draining();
  for (const fall of silence) fall();
  await Promise.all([stopParts(), ...(await started).map(async (stop) => await stop())]);
  await within(CLOSE_MS_MAX, 'closing', connection.drain()).catch((error: unknown) =>
    log('warn', 'not drained', { error: describe(error) }),
  );
  await telemetry.stop();
  // last: whoever watches sees it drain
  await stopEndpoint();
  log('info', 'stopped');
  return ending.signal.aborted ? 0 : 1;
}

function endLatest(): void {
  setTimeout(() => {
    log('error', 'not ended in time: what is in hand comes again', { ms: END_MS_MAX });
    process.exit(1);
  }, END_MS_MAX).unref();
}

interface Parts {
  connection: NatsConnection;
  settings: Settings;
  metrics: PrometheusMetrics;
  tracer: Tracer;
  book: RoleBook;
}

/**
 * The streams before the roles: at a first start each would make them, and say so, while those that only look found none. One try
 * only; what is in the way the roles find too, and say it again and again.
 */
async function makeStreams(roles: readonly string[], { connection, settings }: Parts): Promise<void> {
  if (!roles.some((role) => MAKERS.includes(role))) return;
  try {
    await ensureStreams(await jetstreamManager(connection), settings, log);
  } catch (error) {
    log('info', 'the streams are left to the roles', { error: describe(error) });
  }
}

/** Starts the roles side by side: none waits for what only another one needs. Never rejects; those that the signal ended are left out. */
async function startAll(roles: readonly string[], parts: Parts, signal: AbortSignal): Promise<Stop[]> {
  for (const role of roles) parts.metrics.partUp(role, false);
  await makeStreams(roles, parts);
  const stops = await Promise.all(
    roles.map(async (role) => {
      const begins = STARTS.filter(([name]) => name === role);
      const started = await Promise.all(begins.map(async ([, begin]) => await start(role, begin, parts, signal)));
      // once, when all that the role is made of has started
      if (started.every((stop) => stop !== undefined)) {
        parts.metrics.partUp(role, true);
        parts.book.running(role);
        log('info', 'started', { role });
      }
      return started;
    }),
  );
  if (!signal.aborted) log('info', 'ready', { roles });
  return stops.flat().filter((stop) => stop !== undefined);
}

/** Starts a role, again and again until it starts. Undefined when the signal aborted first. */
async function start(role: string, begin: Start, parts: Parts, signal: AbortSignal): Promise<Stop | undefined> {
  const roleLog: Log = (level, msg, fields) => log(level, msg, { role, ...fields });
  let complained = '';
  for (let attempt = 1; !signal.aborted; attempt += 1) {
    try {
      return await begin(parts.connection, parts.settings, roleLog, parts);
    } catch (error) {
      const complaint = describe(error);
      if (complaint !== complained) log('warn', 'waiting to start', { role, error: complaint });
      complained = complaint;
      await wait(backoffMs(attempt, RETRY_BOUNDS, Math.random()), signal);
    }
  }
  return undefined;
}

const READ_MODEL_NAMES = READ_MODELS.map(({ name }) => name);
/** roles that make streams where they are missing */
const MAKERS: readonly string[] = [...READ_MODEL_NAMES, 'admin', 'relay'];

/** every role there is: one per read model, and those that write none; what one role starts side by side has a row each */
const STARTS: readonly (readonly [role: string, begin: Start])[] = [
  ...READ_MODELS.map((model): [string, Start] => [
    model.name,
    async (connection, settings, roleLog, { metrics, tracer, book }) =>
      await startReadModel(model, connection, settings, roleLog, { metrics, tracer, watcher: book }),
  ]),
  [
    'upkeep',
    async (connection, settings, roleLog) => await startUpkeep(connection, READ_MODEL_NAMES, roleLog, settings.upkeepEveryMs),
  ],
  ['upkeep', async (connection, _settings, roleLog, { metrics }) => await startLag(connection, roleLog, metrics)],
  ['query', startHistoryQuery],
  ['query', startSearchQuery],
  ['admin', async (connection, settings, roleLog, parts) => await startAdmin(connection, settings, roleLog, parts)],
  [
    'relay',
    async (connection, settings, roleLog, { metrics, tracer }) => {
      const times = { ensureEveryMs: ENSURE_EVERY_MS, drainMsMax: DRAIN_MS_MAX };
      return await startRelay(connection, settings, roleLog, times, { metrics, tracer });
    },
  ],
];

const KNOWN: readonly string[] = [...new Set(STARTS.map(([role]) => role))];

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
