import type { JetStreamManager } from '@nats-io/jetstream';
import { EVENTS_STREAM } from '../../shared/contract/subjects.ts';
import { infoOf, oldestAbove, pausedUntilOf } from '../runtime/durable-look.ts';
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
  const info = await infoOf(manager, { stream: EVENTS_STREAM, name });
  if (info === undefined) return undefined;
  const floor = info.ack_floor.stream_seq;
  const paused = pausedUntilOf(info) === undefined ? {} : { isPaused: true as const };
  if (floor > lastSeq && (await isShorterThan(manager, floor))) {
    return { name, settledTo: 0, isAhead: true, ...paused };
  }
  // the floor of a durable that takes some types only stays where the last of those was: what follows is not for it
  const oldest = await oldestAbove(manager, info, floor);
  return {
    name,
    settledTo: oldest === undefined ? Math.max(floor, lastSeq) : oldest.seq - 1,
    ...(oldest === undefined ? {} : { oldestAtMs: oldest.atMs }),
    isAhead: false,
    ...paused,
  };
}

/** The stream goes on while we look: a floor beyond what it had is only strange when it still is. */
async function isShorterThan(manager: JetStreamManager, floor: number): Promise<boolean> {
  return (await manager.streams.info(EVENTS_STREAM)).state.last_seq < floor;
}
