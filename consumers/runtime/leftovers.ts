import { EVENTS_STREAM } from '../../shared/contract/subjects.ts';
import type { Archive } from '../stores/history/archive.ts';
import { wait } from './backoff.ts';
import { infoOf } from './durable-look.ts';
import type { Generations } from './generations.ts';
import { describe } from './log.ts';
import type { Platform, ReadModel } from './read-model.ts';
import { REBUILD_SUFFIX } from './rebuild-lane.ts';
import { RebuildClaim, RebuildRefused, type ClaimPorts } from './rebuild.ts';
import { deleteDurable } from './streams.ts';
import { nameOfWorker } from './worker-name.ts';

/**
 * Copies of a read model that a rebuild left behind, for it was killed. Nobody writes to them, so what is erased from then on
 * would stay in them: they go once that rebuild counts as dead, and not only with the next one. So does its durable, which would fall
 * behind for good, and with which the next rebuild of any read model would begin.
 */

const LOOK_EVERY_MS = 15 * 60_000;

/** At once and then again and again until the signal aborts. Never rejects. */
export async function dropLeftoversRegularly(
  model: ReadModel,
  platform: Platform,
  archive: Archive,
  serves: () => Promise<boolean>,
  signal: AbortSignal,
): Promise<void> {
  const { log, time } = platform;
  const { openGenerations, name } = model;
  if (openGenerations === undefined) return;
  const ports: ClaimPorts = { name, archive, workerId: nameOfWorker(time), log, time, signal };
  while (!signal.aborted) {
    try {
      const generations = await openGenerations(platform);
      try {
        await dropLeftovers(generations, laneOf(model, platform), serves, ports);
      } finally {
        await generations.close();
      }
    } catch (error) {
      log('warn', 'cannot look for what a rebuild left behind', { consumer: name, error: describe(error) });
    }
    await wait(LOOK_EVERY_MS, signal, time);
  }
}

/** The durable of a rebuild, as far as it has to go. */
export interface LeftLane {
  isThere(): Promise<boolean>;
  close(): Promise<void>;
}

function laneOf({ name }: Pick<ReadModel, 'name'>, { manager }: Pick<Platform, 'manager'>): LeftLane {
  const durable = `${name}${REBUILD_SUFFIX}`;
  return {
    isThere: async () => (await infoOf(manager, { stream: EVENTS_STREAM, name: durable })) !== undefined,
    close: async () => await deleteDurable(manager, durable),
  };
}

/**
 * Answers how many copies there were. While a rebuild goes on, all of them are its own; and where the read model does not serve, one of
 * them may be what it served with, and somebody is about to put right what leads to it.
 */
export async function dropLeftovers(
  generations: Generations,
  lane: LeftLane,
  serves: () => Promise<boolean>,
  ports: ClaimPorts,
): Promise<number> {
  const { log, name } = ports;
  const isLaneLeft = await lane.isThere();
  if ((await generations.list()).others.length === 0 && !isLaneLeft) return 0;
  const claim = new RebuildClaim(ports);
  try {
    await claim.take();
  } catch (error) {
    if (error instanceof RebuildRefused) return 0;
    throw error;
  }
  try {
    // nobody takes from it any more
    if (isLaneLeft) await lane.close();
    if (!(await serves())) return 0;
    // as they are now: a rebuild may have ended meanwhile
    const { others } = await generations.list();
    for (const n of others) await generations.drop(n);
    const more = isLaneLeft ? { durable: `${name}${REBUILD_SUFFIX}` } : {};
    log('warn', 'dropped what a rebuild left behind', { consumer: name, generations: others.map(String), ...more });
    return others.length;
  } finally {
    await claim.giveBack();
  }
}
