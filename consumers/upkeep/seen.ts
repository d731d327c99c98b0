import {
  JetStreamApiCodes,
  JetStreamApiError,
  type ConsumerInfo,
  type JetStreamManager,
  type MsgRequest,
} from '@nats-io/jetstream';
import { EVENTS_STREAM, EVENTS_SUBJECTS } from '../../shared/contract/subjects.ts';
import type { DurableSeen, StreamSeen } from './plan.ts';

/** Looks at the stream, and then at the durables: what came in between is nobody's yet. Rejects when a part cannot be seen. */
export async function lookAtStream(manager: JetStreamManager, readModels: readonly string[], nowMs: number): Promise<StreamSeen> {
  const { created, config, state } = await manager.streams.info(EVENTS_STREAM);
  const durables = new Map<string, DurableSeen | undefined>();
  for (const name of readModels) durables.set(name, await lookAtDurable(manager, name, state.last_seq));
  const after = await manager.streams.info(EVENTS_STREAM);
  if (after.created !== created) throw new Error('the stream was made anew meanwhile');
  return {
    nowMs,
    bytes: state.bytes,
    ...(config.max_bytes > 0 ? { maxBytes: config.max_bytes } : {}),
    firstSeq: state.first_seq,
    durables,
  };
}

async function lookAtDurable(manager: JetStreamManager, name: string, lastSeq: number): Promise<DurableSeen | undefined> {
  const info = await infoOf(manager, name);
  if (info === undefined) return undefined;
  const floor = info.ack_floor.stream_seq;
  if (floor > lastSeq && (await isShorterThan(manager, floor))) {
    return { name, settledTo: 0, isAhead: true };
  }
  // the floor of a durable that takes some types only stays where the last of those was: what follows is not for it
  const oldest = await oldestAbove(manager, subjectsOf(info), floor);
  return {
    name,
    settledTo: oldest === undefined ? Math.max(floor, lastSeq) : oldest.seq - 1,
    ...(oldest === undefined ? {} : { oldestAtMs: oldest.atMs }),
    isAhead: false,
  };
}

/** The stream goes on while we look: a floor beyond what it had is only strange when it still is. */
async function isShorterThan(manager: JetStreamManager, floor: number): Promise<boolean> {
  return (await manager.streams.info(EVENTS_STREAM)).state.last_seq < floor;
}

async function infoOf(manager: JetStreamManager, name: string): Promise<ConsumerInfo | undefined> {
  try {
    return await manager.consumers.info(EVENTS_STREAM, name);
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.ConsumerNotFound) return undefined;
    throw error;
  }
}

function subjectsOf({ config }: ConsumerInfo): readonly string[] {
  if (config.filter_subjects !== undefined && config.filter_subjects.length > 0) return config.filter_subjects;
  return [config.filter_subject ?? EVENTS_SUBJECTS];
}

async function oldestAbove(
  manager: JetStreamManager,
  subjects: readonly string[],
  floor: number,
): Promise<{ seq: number; atMs: number } | undefined> {
  let oldest: { seq: number; atMs: number } | undefined;
  for (const subject of subjects) {
    // the leader's answer; the client's type knows this form of the request for direct gets alone
    const query: MsgRequest & { next_by_subj: string } = { seq: floor + 1, next_by_subj: subject };
    const message = await manager.streams.getMessage(EVENTS_STREAM, query);
    if (message !== null && (oldest === undefined || message.seq < oldest.seq)) {
      oldest = { seq: message.seq, atMs: message.time.getTime() };
    }
  }
  return oldest;
}
