import {
  AckPolicy,
  DeliverPolicy,
  DiscardPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  RetentionPolicy,
  StorageType,
  type ConsumerConfig,
  type JetStreamManager,
  type StreamConfig,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import {
  ADMIN_LOG_STREAM,
  ADMIN_LOG_SUBJECTS,
  COMMANDS_STREAM,
  COMMANDS_SUBJECTS,
  DEAD_LETTERS_STREAM,
  DEAD_LETTERS_SUBJECTS,
  EVENTS_STREAM,
  EVENTS_SUBJECTS,
  RECEIPTS_STREAM,
  RECEIPTS_SUBJECTS,
} from '../../shared/contract/subjects.ts';
import type { Log } from './log.ts';
import type { Projection } from './projection.ts';

const DAY_MS = 24 * 3_600_000;
const GIB_BYTES = 1024 ** 3;

/** JetStream's own error codes (nats-server errors.json) that its client has no names for */
const STREAM_NAME_IN_USE = 10058;
const INSUFFICIENT_STORAGE = 10047;
const INSUFFICIENT_STORAGE_IN_CLUSTER = 10023;
const CONSUMER_EXISTS = 10148;

export const EVENTS_AGE_MS_MAX = 30 * DAY_MS;
export const EVENTS_DUPLICATE_WINDOW_MS = 120_000;
const EVENTS_BYTES_DEFAULT = 10 * GIB_BYTES;
const DEAD_LETTERS_BYTES_DEFAULT = GIB_BYTES;
/** shorter than an idempotency key lasts at the edge: what is relayed again at the last moment is still known there */
export const COMMANDS_AGE_MS_MAX = 7 * DAY_MS;
const COMMANDS_BYTES_DEFAULT = GIB_BYTES;
/** with its headers; below the server's usual bound (1 MiB) by what a dead letter adds, for a settled command is nowhere else */
export const COMMAND_BYTES_MAX = 1024 ** 2 - 16 * 1024;
/** a default that the server has no room for is halved down to this */
const STREAM_BYTES_MIN = 64 * 1024 ** 2;
export const RECEIPTS_AGE_MS_MAX = 3 * DAY_MS;
const RECEIPTS_BYTES = 256 * 1024 ** 2;
const COMMANDS_DUPLICATE_WINDOW_MS = 120_000;
export const ADMIN_LOG_AGE_MS_MAX = 400 * DAY_MS;
const ADMIN_LOG_BYTES = 256 * 1024 ** 2;
/** a consumer that died between storing a dead letter and terminating the message stores it once more */
const DEAD_LETTERS_DUPLICATE_WINDOW_MS = DAY_MS;

/** the server gives a message to another worker when it heard nothing for this long */
export const ACK_WAIT_MS = 15_000;
/** messages out at all workers of one durable together; at it the server waits */
export const ACK_PENDING_MAX = 10_000;
/** more where one client has them all and brings them one by one per session: a session's backlog must not keep the others out */
const PINNED_ACK_PENDING_MAX = 10_000;

export interface StreamSettings {
  eventsMaxBytes?: number;
  deadLettersMaxBytes?: number;
  commandsMaxBytes?: number;
  eventsDuplicateWindowMs?: number;
  replicas?: number;
}

/** Makes the streams where they are missing; brings size and replicas in line where they are set and differ. */
export async function ensureStreams(manager: JetStreamManager, settings: StreamSettings, log: Log): Promise<void> {
  const { eventsMaxBytes, deadLettersMaxBytes, commandsMaxBytes, replicas } = settings;
  const setBytes = new Map([
    [EVENTS_STREAM, eventsMaxBytes],
    [DEAD_LETTERS_STREAM, deadLettersMaxBytes],
    [COMMANDS_STREAM, commandsMaxBytes],
  ]);
  for (const wanted of wantedStreams(settings)) {
    await ensureStream(manager, log, setBytes.get(wanted.name), replicas, wanted);
  }
}

/** Every stream as it is made. */
export function wantedStreams(settings: StreamSettings): WantedStream[] {
  const num_replicas = settings.replicas ?? 1;
  return [
    // deny_purge stays off: keeping a full stream usable is a purge up to the lowest ack floor
    {
      ...common,
      name: EVENTS_STREAM,
      subjects: [EVENTS_SUBJECTS],
      max_bytes: settings.eventsMaxBytes ?? EVENTS_BYTES_DEFAULT,
      max_age: nanos(EVENTS_AGE_MS_MAX),
      duplicate_window: nanos(settings.eventsDuplicateWindowMs ?? EVENTS_DUPLICATE_WINDOW_MS),
      num_replicas,
    },
    {
      ...common,
      name: DEAD_LETTERS_STREAM,
      subjects: [DEAD_LETTERS_SUBJECTS],
      max_bytes: settings.deadLettersMaxBytes ?? DEAD_LETTERS_BYTES_DEFAULT,
      max_age: 0,
      duplicate_window: nanos(DEAD_LETTERS_DUPLICATE_WINDOW_MS),
      num_replicas,
    },
    {
      ...common,
      name: COMMANDS_STREAM,
      subjects: [COMMANDS_SUBJECTS],
      max_bytes: settings.commandsMaxBytes ?? COMMANDS_BYTES_DEFAULT,
      max_age: nanos(COMMANDS_AGE_MS_MAX),
      max_msg_size: COMMAND_BYTES_MAX,
      duplicate_window: nanos(COMMANDS_DUPLICATE_WINDOW_MS),
      num_replicas,
      // holds exactly what is not settled: the relay asks it which command of a session is next
      retention: RetentionPolicy.Workqueue,
    },
    // what measures the way of events reads this one; it is nobody's only copy, so at its end the oldest go
    {
      ...common,
      name: RECEIPTS_STREAM,
      subjects: [RECEIPTS_SUBJECTS],
      max_bytes: RECEIPTS_BYTES,
      max_age: nanos(RECEIPTS_AGE_MS_MAX),
      num_replicas,
      discard: DiscardPolicy.Old,
    },
    // at its end the oldest lines go: people must be able to act, and what they do is some hundred bytes each
    {
      ...common,
      name: ADMIN_LOG_STREAM,
      subjects: [ADMIN_LOG_SUBJECTS],
      max_bytes: ADMIN_LOG_BYTES,
      max_age: nanos(ADMIN_LOG_AGE_MS_MAX),
      num_replicas,
      discard: DiscardPolicy.Old,
    },
  ];
}

/** `discard: new` refuses instead of forgetting: the outbox at the edge holds back what does not fit. */
const common = { retention: RetentionPolicy.Limits, storage: StorageType.File, discard: DiscardPolicy.New } as const;

export type WantedStream = Partial<StreamConfig> & { name: string; max_bytes: number; num_replicas: number };

async function ensureStream(
  manager: JetStreamManager,
  log: Log,
  setBytes: number | undefined,
  setReplicas: number | undefined,
  wanted: WantedStream,
): Promise<void> {
  for (let bytes = wanted.max_bytes; ; bytes = Math.max(STREAM_BYTES_MIN, Math.floor(bytes / 2))) {
    try {
      const existing = await manager.streams.info(wanted.name);
      const change = {
        ...(setBytes === undefined || existing.config.max_bytes === setBytes ? {} : { max_bytes: setBytes }),
        ...(setReplicas === undefined || existing.config.num_replicas === setReplicas ? {} : { num_replicas: setReplicas }),
      };
      if (Object.keys(change).length > 0) {
        await manager.streams.update(wanted.name, change);
        log('info', 'stream updated', { stream: wanted.name, ...change });
      }
      return;
    } catch (error) {
      if (codeOf(error) !== JetStreamApiCodes.StreamNotFound) throw error;
    }
    try {
      await manager.streams.add({ ...wanted, max_bytes: bytes });
      log('info', 'stream made', { stream: wanted.name, maxBytes: bytes });
      return;
    } catch (error) {
      const code = codeOf(error);
      // another worker was faster, with other settings: look again
      if (code === STREAM_NAME_IN_USE) continue;
      const noRoom = code === INSUFFICIENT_STORAGE || code === INSUFFICIENT_STORAGE_IN_CLUSTER;
      if (!noRoom || setBytes !== undefined || bytes <= STREAM_BYTES_MIN) throw error;
      log('warn', 'the server has no room for the default size, trying half', { stream: wanted.name, maxBytes: bytes });
    }
  }
}

/**
 * Makes the durable where it is missing: from the first event on, for a read model takes what it already has a second time
 * without harm. `max_deliver` stays unlimited: at the server's limit a message is skipped, and nobody keeps it. Without a filter,
 * whatever the projection takes: the server spends less on giving a message than on looking whether to (ADR 0042).
 */
export async function ensureDurable(manager: JetStreamManager, projection: Pick<Projection, 'name'>, log: Log): Promise<void> {
  await ensure(manager, EVENTS_STREAM, projection.name, {}, log);
}

/** A durable of somebody who takes all of a stream from its first message on, and takes longer over it. */
export async function ensureFeed(
  manager: JetStreamManager,
  { stream, durable, ackWaitMs }: { stream: string; durable: string; ackWaitMs: number },
  log: Log,
): Promise<void> {
  await ensure(manager, stream, durable, { ack_wait: nanos(ackWaitMs) }, log);
}

/** Where a durable begins: with the first message stored at or after a time (epoch milliseconds), or with a sequence. */
export type DurableStart = { fromMs: number } | { fromSeq: number };

/**
 * Makes a durable for a projection, paused until `pausedUntilMs` (epoch milliseconds) where that is given. False when
 * one of that name is there and begins elsewhere.
 */
export async function addDurable(
  manager: JetStreamManager,
  name: string,
  start: DurableStart,
  pausedUntilMs?: number,
): Promise<boolean> {
  const begins: Partial<ConsumerConfig> =
    'fromMs' in start
      ? { deliver_policy: DeliverPolicy.StartTime, opt_start_time: new Date(Math.max(0, start.fromMs)).toISOString() }
      : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: Math.max(1, start.fromSeq) };
  const pause = pausedUntilMs === undefined ? {} : { pause_until: new Date(pausedUntilMs).toISOString() };
  try {
    await manager.consumers.add(EVENTS_STREAM, durableConfig(name, { ...begins, ...pause }));
    return true;
  } catch (error) {
    if (codeOf(error) === CONSUMER_EXISTS) return false;
    throw error;
  }
}

/** Resolves also when there is none. */
export async function deleteDurable(manager: JetStreamManager, name: string, stream: string = EVENTS_STREAM): Promise<void> {
  await manager.consumers.delete(stream, name).catch((error: unknown) => {
    if (codeOf(error) !== JetStreamApiCodes.ConsumerNotFound) throw error;
  });
}

/**
 * Makes a durable of a priority group: the server pins one client of it and gives the messages to that one alone, until it
 * neither pulled nor asked again for `pinMs`.
 */
export async function ensurePinnedDurable(
  manager: JetStreamManager,
  { stream, durable, group, pinMs }: { stream: string; durable: string; group: string; pinMs: number },
  log: Log,
): Promise<void> {
  const pinned: Partial<ConsumerConfig> = {
    priority_groups: [group],
    priority_policy: 'pinned_client',
    priority_timeout: nanos(pinMs),
    max_ack_pending: PINNED_ACK_PENDING_MAX,
  };
  await ensure(manager, stream, durable, pinned, log);
}

async function ensure(
  manager: JetStreamManager,
  stream: string,
  durable: string,
  own: Partial<ConsumerConfig>,
  log: Log,
): Promise<void> {
  try {
    await manager.consumers.info(stream, durable);
    return;
  } catch (error) {
    if (codeOf(error) !== JetStreamApiCodes.ConsumerNotFound) throw error;
  }
  await manager.consumers.add(stream, durableConfig(durable, own));
  log('info', 'durable made', { durable });
}

function durableConfig(durable: string, own: Partial<ConsumerConfig>): Partial<ConsumerConfig> {
  return {
    durable_name: durable,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    ack_wait: nanos(ACK_WAIT_MS),
    max_deliver: -1,
    max_ack_pending: ACK_PENDING_MAX,
    ...own,
  };
}

function codeOf(error: unknown): number | undefined {
  return error instanceof JetStreamApiError ? error.code : undefined;
}
