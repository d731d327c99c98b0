import { HOUR_MS, TOUCHED_HOURS_KEPT, type Archive, type Touched } from '../stores/history/archive.ts';
import type { ArchiveFeed } from './archive-feed.ts';
import { buriedBy, type LetterSource } from './letters.ts';
import { TOUCHED_NOTE, touchedSinceMs } from './position-note.ts';

/** Brings a read model, from the archive, what its stream lost before it came. */

/** how far the clocks of a writer, of the server and of this process are apart at most */
export const SKEW_MS_MAX = 10 * 60_000;
/** a part of the archive is remembered as read; beyond so many the oldest are forgotten, and read once more */
const READ_PARTS_MAX = 50_000;
const HISTORY = 'history';

export interface ReplayPorts {
  archive: Archive;
  letters: LetterSource;
  feed: ArchiveFeed;
  now: () => number;
}

export interface ReplayTask {
  /** what was written from then on (epoch milliseconds) is brought, with SKEW_MS_MAX before it */
  fromMs: number;
  /** goes on with this hour, after a stop */
  nextHour?: number | undefined;
}

/** Told often: an hour that is over is named once it is read wholly, all else is a sign of life. */
export type Progress = (nextHour?: number) => Promise<void>;

/** Answers how many events were brought. Rejects when the archive or the dead letters cannot be read; what was brought stays. */
export async function replay(ports: ReplayPorts, { fromMs, nextHour }: ReplayTask, progress: Progress): Promise<number> {
  const { archive, feed, letters, now } = ports;
  const sinceMs = fromMs - SKEW_MS_MAX;
  const kept = Math.max(touchedSinceMs(await archive.readNote(TOUCHED_NOTE)), now() - (TOUCHED_HOURS_KEPT - 1) * HOUR_MS);
  let events = 0;
  // what the history could not take is in no archive; first, for one that is redriven meanwhile moves from there to here
  for await (const buried of buriedBy(letters, HISTORY, sinceMs)) {
    events += await feed.takeMessage(buried);
    await progress();
  }
  await feed.drain();
  events += sinceMs < kept ? await replayAll(ports, progress) : await replayHours(ports, sinceMs, nextHour, progress);
  return events;
}

async function replayAll({ archive, feed }: ReplayPorts, progress: Progress): Promise<number> {
  let taken = 0;
  for await (const page of archive.scanEvents()) {
    taken += await feed.take(page);
    await progress();
  }
  await feed.drain();
  return taken;
}

async function replayHours(
  { archive, feed, now }: ReplayPorts,
  sinceMs: number,
  nextHour: number | undefined,
  progress: Progress,
): Promise<number> {
  const readAtMs = new Map<string, number>();
  let taken = 0;
  const read = async (part: Touched, hour: number): Promise<void> => {
    const name = `${part.tenant} ${part.sessionId} ${part.bucket}`;
    // it was read after that hour was over: nothing of it is new
    if ((readAtMs.get(name) ?? 0) >= overAtMs(hour)) return;
    const beganMs = now();
    for await (const page of archive.eventsOf(part)) {
      taken += await feed.take({ ...page, events: page.events.filter(({ persistedAtMs }) => persistedAtMs >= sinceMs) });
    }
    readAtMs.set(name, beganMs);
    const [oldest] = readAtMs.keys();
    if (readAtMs.size > READ_PARTS_MAX && oldest !== undefined) readAtMs.delete(oldest);
  };
  // by the clock of a writer that is ahead, the next hour may have begun
  for (let hour = nextHour ?? hourOf(sinceMs); hour <= hourOf(now() + SKEW_MS_MAX); hour += 1) {
    const isOver = now() >= overAtMs(hour);
    for await (const page of archive.touched(hour)) {
      for (const part of page) {
        await read(part, hour);
        await progress();
      }
    }
    await feed.drain();
    await progress(isOver ? hour + 1 : undefined);
  }
  return taken;
}

function hourOf(ms: number): number {
  return Math.floor(ms / HOUR_MS);
}

/** No writer's clock says this hour any more, and what it began in it has ended. */
function overAtMs(hour: number): number {
  return (hour + 1) * HOUR_MS + 2 * SKEW_MS_MAX;
}
