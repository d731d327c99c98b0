// The role `history` with a bug: of a message whose text names it, it throws, hangs, loops for ever or kills its process. Run as a process.
import { AckPolicy, DeliverPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { HISTORY_DURABLE } from '../../consumers/projections/history.ts';
import { historyReadModel } from '../../consumers/projections/history-read-model.ts';
import { servePulse } from '../../consumers/pulse/pulse.ts';
import { connectForever } from '../../consumers/runtime/connection.ts';
import { describe, jsonLog } from '../../consumers/runtime/log.ts';
import type { Projection } from '../../consumers/runtime/projection.ts';
import type { ReadModel } from '../../consumers/runtime/read-model.ts';
import { serveRedrives } from '../../consumers/runtime/redrive.ts';
import type { RunnerBounds } from '../../consumers/runtime/runner.ts';
import { signedPoster } from '../../consumers/runtime/signed-post.ts';
import { runReadModel } from '../../consumers/runtime/start-read-model.ts';
import { ensureStreams } from '../../consumers/runtime/streams.ts';
import { openTelemetry } from '../../consumers/runtime/telemetry.ts';
import { SYSTEM_TIME } from '../../consumers/runtime/time.ts';
import { watchEventLoop } from '../../consumers/runtime/watchdog.ts';
import { settingsFrom } from '../../consumers/settings.ts';
import { EVENTS_STREAM } from '../../shared/contract/subjects.ts';
import { isErased, type Event } from '../../shared/core/types.ts';

/** the server gives what a killed process had to the next one after this; short, for a test waits for it several times */
const ACK_WAIT_MS = 1_000;
const BOUNDS: RunnerBounds = {
  pullEventsMax: 100,
  workingEveryMs: ACK_WAIT_MS / 3,
  ensureEveryMs: 30_000,
  drainMsMax: 5_000,
  batch: { deliveriesMax: 6, retry: { minMs: 50, maxMs: 200 }, handleMsMax: 500 },
};

function poisonOf(event: Event): string | undefined {
  if (isErased(event) || event.type !== 'message.created') return undefined;
  return /^poison that (throws|hangs|loops|kills)/.exec(event.data.text)?.[1];
}

function poisoned(projection: Projection): Projection {
  return {
    ...projection,
    async handle(batch) {
      const poisons = batch.flatMap(({ event }) => poisonOf(event) ?? []);
      if (poisons.includes('kills')) process.kill(process.pid, 'SIGKILL');
      while (poisons.includes('loops'));
      if (poisons.includes('hangs')) await new Promise(() => {});
      if (poisons.includes('throws')) throw new Error('a bug of the projection');
      return await projection.handle(batch);
    },
  };
}

const model: ReadModel = {
  name: HISTORY_DURABLE,
  async open(platform) {
    const opened = await historyReadModel.open(platform);
    return { ...opened, projection: poisoned(opened.projection) };
  },
};

const log = jsonLog((line) => process.stdout.write(line));
// long enough that a busy machine is not taken for a loop
watchEventLoop(log, { stallMsMax: 1_500, graceMsMax: 500 });
const settings = settingsFrom(process.env);
const { tracer, stop: stopTracing } = await openTelemetry(process.env, log);
const ending = new AbortController();
process.on('SIGTERM', () => ending.abort());
const connection = await connectForever(settings, log, ending.signal);
if (connection === undefined) throw new Error('no NATS');
const manager = await jetstreamManager(connection);
await ensureStreams(manager, settings, log);
await manager.consumers
  .add(EVENTS_STREAM, {
    durable_name: HISTORY_DURABLE,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    ack_wait: nanos(ACK_WAIT_MS),
    max_deliver: -1,
  })
  .catch((error: unknown) => log('info', 'the durable is there', { error: describe(error) }));
const stop = await runReadModel(
  model,
  {
    connection,
    client: jetstream(connection),
    manager,
    settings,
    post: signedPoster(settings.edgeUrl, settings.internalSecret, Date.now),
    log,
    tracer,
    now: Date.now,
    time: SYSTEM_TIME,
  },
  { beside: (opened) => serveRedrives(connection, opened, { log, tracer, time: SYSTEM_TIME }), bounds: BOUNDS },
);
const sinceMs = Date.now();
servePulse(
  connection,
  () => ({ v: 1, worker: 'poisoned', roles: [{ role: HISTORY_DURABLE, state: 'running', sinceMs }], rebuilds: [] }),
  log,
);
log('info', 'ready');
await new Promise<void>((resolve) => ending.signal.addEventListener('abort', () => resolve(), { once: true }));
await stop();
await stopTracing();
await connection.close();
process.exit(0);
