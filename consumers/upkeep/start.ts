import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { EVENTS_STREAM } from '../../shared/contract/subjects.ts';
import { within } from '../runtime/backoff.ts';
import { PURGE_FLOOR_AGE_MS } from '../runtime/guard-loop.ts';
import type { Log } from '../runtime/log.ts';
import { rebuildsUnderWay } from '../runtime/rebuild-lane.ts';
import { every, SYSTEM_TIME } from '../runtime/time.ts';
import { lookAtStream } from './seen.ts';
import { StreamUpkeep } from './upkeep.ts';

const UPKEEP_EVERY_MS = 30_000;
const CALL_MS_MAX = 5_000;
/** a turn in progress is waited for at a stop */
const STOP_MS_MAX = 5_000;

/** Starts looking after the stream of events, for the read models of these names. */
export async function startUpkeep(
  connection: NatsConnection,
  readModels: readonly string[],
  log: Log,
  everyMs: number = UPKEEP_EVERY_MS,
): Promise<() => Promise<void>> {
  const manager = await jetstreamManager(connection, { timeout: CALL_MS_MAX });
  const upkeep = new StreamUpkeep({
    look: async () => {
      const nowMs = Date.now();
      return await lookAtStream(manager, [...readModels, ...(await rebuildsUnderWay(manager, nowMs))], nowMs);
    },
    purge: async (belowSeq) => (await manager.streams.purge(EVENTS_STREAM, { seq: belowSeq })).purged,
    log,
    now: Date.now,
    // whoever looks oftener than guards note only has them read once more what is there
    floorAgeMs: Math.min(PURGE_FLOOR_AGE_MS, 3 * everyMs),
  });
  let turn: Promise<void> | undefined;
  const begin = (): void => {
    // one at a time: a slow server gets fewer questions, not more
    turn ??= upkeep.turn().finally(() => {
      turn = undefined;
    });
  };
  begin();
  const cancel = every(everyMs, begin, SYSTEM_TIME);
  return async () => {
    cancel();
    await within(STOP_MS_MAX, 'a turn of the upkeep', turn ?? Promise.resolve()).catch(() =>
      log('warn', 'stopped within a turn'),
    );
  };
}
