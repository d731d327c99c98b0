import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Tracer } from '../../shared/telemetry/tracer.ts';
import { openHistory } from '../projections/history-read-model.ts';
import type { Settings } from '../settings.ts';
import { ackLineOf } from './ack-line.ts';
import { countedLetters, jetStreamDeadLetters } from './dead-letters.ts';
import { startGuard } from './guarded.ts';
import { JetStreamSource, PULL_EVENTS_MAX } from './jetstream-source.ts';
import type { Log } from './log.ts';
import { NO_METRICS, type Metrics } from './metrics.ts';
import type { OpenedReadModel, Platform, ReadModel } from './read-model.ts';
import { serveRedrives } from './redrive.ts';
import { Runner, type RunnerBounds } from './runner.ts';
import { signedPoster } from './signed-post.ts';
import { ACK_WAIT_MS, ensureDurable, ensureStreams } from './streams.ts';
import { SYSTEM_TIME } from './time.ts';

/** how often stream and durable are looked for: a deleted durable stalls without a sign */
export const ENSURE_EVERY_MS = 30_000;
export const DRAIN_MS_MAX = 10_000;
export const PAYLOAD_BYTES_DEFAULT = 1024 * 1024;
export const RUNNER_BOUNDS: RunnerBounds = {
  pullEventsMax: PULL_EVENTS_MAX,
  workingEveryMs: ACK_WAIT_MS / 3,
  ensureEveryMs: ENSURE_EVERY_MS,
  drainMsMax: DRAIN_MS_MAX,
};

/** Starts a read model on its durable. Rejects when stream, durable or store are not to be had; nothing is left open then. */
export async function startReadModel(
  model: ReadModel,
  connection: NatsConnection,
  settings: Settings,
  log: Log,
  { metrics, tracer, watcher }: { metrics: Metrics; tracer?: Tracer; watcher: StoreWatcher },
): Promise<() => Promise<void>> {
  const platform = { ...(await platformOf(connection, settings, log)), metrics, tracer };
  return await runReadModel(model, platform, { beside: (opened) => serveRedrives(connection, opened, platform), watcher });
}

/** What a process gives its read models. Rejects when JetStream is not to be had. */
export async function platformOf(connection: NatsConnection, settings: Settings, log: Log): Promise<Platform> {
  return {
    connection,
    client: jetstream(connection),
    manager: await jetstreamManager(connection),
    settings,
    post: signedPoster(settings.edgeUrl, settings.internalSecret, Date.now),
    log,
    now: Date.now,
    time: SYSTEM_TIME,
    openArchive: async () => await openHistory(settings, true),
    line: ackLineOf(connection, log),
  };
}

/** Who says how the store of a read model is. */
export interface StoreWatcher {
  /** `healthy` never rejects */
  storeOpened(role: string, healthy: () => Promise<boolean>): void;
  storeFailed(role: string): void;
}

export interface Running {
  /** absent: nobody asks */
  watcher?: StoreWatcher;
  /** started with the read model, and stopped before it */
  beside?: (opened: OpenedReadModel) => () => Promise<void>;
  /** absent: the system's own */
  bounds?: RunnerBounds;
}

/** The same on a platform that is given: the simulator has one of its own. */
export async function runReadModel(
  model: ReadModel,
  platform: Platform,
  { beside, bounds = RUNNER_BOUNDS, watcher }: Running = {},
): Promise<() => Promise<void>> {
  const { connection, client, manager, settings, line, log, parse, time, metrics = NO_METRICS } = platform;
  // first, and whatever the store says: without a stream the edge could hand nothing over
  await ensureStreams(manager, settings, log);
  const opened: OpenedReadModel = await model.open(platform).catch((error: unknown) => {
    watcher?.storeFailed(model.name);
    throw error;
  });
  watcher?.storeOpened(model.name, async () => await opened.projection.healthy());
  const ensure = async (): Promise<void> => {
    await ensureStreams(manager, settings, log);
    await ensureDurable(manager, opened.projection, log);
  };
  try {
    await ensure();
  } catch (error) {
    await opened.close();
    throw error;
  }
  const letters = jetStreamDeadLetters(client, connection.info?.max_payload ?? PAYLOAD_BYTES_DEFAULT);
  const deadLetters = countedLetters(letters, metrics);
  const runner = new Runner(
    {
      projection: opened.projection,
      source: new JetStreamSource(client, model.name),
      deadLetters,
      ...(opened.settlements === undefined ? {} : { settlements: opened.settlements }),
      ...(line === undefined ? {} : { line }),
      ensure,
      parse,
      tracer: platform.tracer,
      log,
      metrics,
      time,
    },
    bounds,
  );
  opened.started?.();
  runner.start();
  const stopBeside = beside?.(opened);
  const stopGuard = startGuard(model, platform, { projection: opened.projection, deadLetters, ensure });
  return async () => {
    await stopBeside?.();
    await Promise.all([stopGuard(), runner.stop()]);
    await opened.close();
  };
}
