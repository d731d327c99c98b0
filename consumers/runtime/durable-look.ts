import {
  JetStreamApiCodes,
  JetStreamApiError,
  type ConsumerInfo,
  type JetStreamManager,
  type MsgRequest,
} from '@nats-io/jetstream';

/** How far a durable is, as its server says it: what lag, age and pauses are read from, by whoever shows or watches them. */

export interface DurablePlace {
  stream: string;
  name: string;
}

export interface DurableLook {
  /** when the durable was made: figures of two that differ in it cannot be compared */
  created: string;
  /** messages that wait to be given to a worker */
  pending: number;
  /** given to a worker, and not acknowledged */
  ackPending: number;
  /** of those, given more than once */
  redelivered: number;
  /** rises by one with each delivery that is acknowledged, in their order */
  settled: number;
  /** when the oldest message was stored that is not acknowledged, epoch milliseconds; absent: there is none */
  oldestAtMs?: number;
  /** it gives out nothing until then, epoch milliseconds; absent: it does */
  pausedUntilMs?: number;
}

/** Undefined where there is no such durable, or no stream for it. Rejects when the server does not answer in time. */
export async function lookAtDurable(manager: JetStreamManager, { stream, name }: DurablePlace): Promise<DurableLook | undefined> {
  const info = await infoOf(manager, { stream, name });
  return info === undefined ? undefined : await lookOf(manager, info);
}

/** The same of a durable whose state is at hand: one question more, where something is left of it. */
export async function lookOf(manager: JetStreamManager, info: ConsumerInfo): Promise<DurableLook> {
  const { num_pending: pending, num_ack_pending: ackPending, num_redelivered: redelivered, ack_floor: floor } = info;
  const oldest = pending + ackPending === 0 ? undefined : await oldestAbove(manager, info, floor.stream_seq);
  const pausedUntilMs = pausedUntilOf(info);
  return {
    created: info.created,
    pending,
    ackPending,
    redelivered,
    settled: floor.consumer_seq,
    ...(oldest === undefined ? {} : { oldestAtMs: oldest.atMs }),
    ...(pausedUntilMs === undefined ? {} : { pausedUntilMs }),
  };
}

/** Undefined where there is none. */
export async function infoOf(manager: JetStreamManager, { stream, name }: DurablePlace): Promise<ConsumerInfo | undefined> {
  try {
    return await manager.consumers.info(stream, name);
  } catch (error) {
    const isAbsent =
      error instanceof JetStreamApiError &&
      (error.code === JetStreamApiCodes.ConsumerNotFound || error.code === JetStreamApiCodes.StreamNotFound);
    if (isAbsent) return undefined;
    throw error;
  }
}

/** By the server's clock whether it is paused, by its word until when. */
export function pausedUntilOf({ paused, config }: ConsumerInfo): number | undefined {
  return paused === true && config.pause_until !== undefined ? Date.parse(config.pause_until) : undefined;
}

/** The first message above a sequence that is for this durable, as the leader has it; undefined: there is none. */
export async function oldestAbove(
  manager: JetStreamManager,
  info: ConsumerInfo,
  seq: number,
): Promise<{ seq: number; atMs: number } | undefined> {
  const first = async (subject: string): Promise<{ seq: number; atMs: number }[]> => {
    // the leader's answer; the client's type knows this form of the request for direct gets alone
    const query: MsgRequest & { next_by_subj: string } = { seq: seq + 1, next_by_subj: subject };
    const message = await manager.streams.getMessage(info.stream_name, query);
    return message === null ? [] : [{ seq: message.seq, atMs: message.time.getTime() }];
  };
  const found = (await Promise.all(subjectsOf(info).map(first))).flat();
  return found.toSorted((a, b) => a.seq - b.seq)[0];
}

/** What the durable takes; all of its stream where it has no filter. */
function subjectsOf({ config }: ConsumerInfo): readonly string[] {
  if (config.filter_subjects !== undefined && config.filter_subjects.length > 0) return config.filter_subjects;
  return [config.filter_subject === undefined || config.filter_subject === '' ? '>' : config.filter_subject];
}
