import type { JetStreamManager } from '@nats-io/jetstream';
import { EVENTS_STREAM } from '../../shared/contract/subjects.ts';
import { describe, type Log } from '../runtime/log.ts';
import { every, SYSTEM_TIME, type Time } from '../runtime/time.ts';

const LOOK_EVERY_MS = 1_000;

/** One look at a durable: at `atMs` (here) it had taken everything that the stream had at `throughMs` (there). */
interface Look {
  atMs: number;
  throughMs: number;
}

export interface IndexedThrough {
  /** Everything that the stream had at this time can be found; epoch milliseconds. Undefined while nobody knows. */
  asOfMs(): number | undefined;
  /** resolves when the first look has ended, one way or the other */
  looked: Promise<void>;
  stop(): void;
}

/** After how long what was taken can be found; `makeSeen` resolves when all can that was taken before. */
export interface Seeing {
  seenAfterMs: number;
  makeSeen?(): Promise<void>;
}

/**
 * Looks at a durable again and again. What it has taken can be found `seenAfterMs` later, so an older look is what counts. Only
 * the first one, before which nothing is known, is made to count at once.
 */
export function watchIndexed(look: () => Promise<number>, seeing: Seeing, log: Log, time: Time = SYSTEM_TIME): IndexedThrough {
  const { seenAfterMs } = seeing;
  /** oldest first; all but the first are too young to count */
  let looks: Look[] = [];
  let looking = false;
  let failing = false;
  const lookNow = async (): Promise<void> => {
    if (looking) return;
    looking = true;
    try {
      const throughMs = await look();
      const isSeen = looks.length === 0 && (await isMadeSeen(seeing));
      looks.push({ atMs: isSeen ? time.now() - seenAfterMs : time.now(), throughMs });
      failing = false;
    } catch (error) {
      if (!failing) log('warn', 'how far the index has come cannot be learnt', { error: describe(error) });
      failing = true;
    } finally {
      looking = false;
    }
  };
  const cancel = every(LOOK_EVERY_MS, () => void lookNow(), time);
  const looked = lookNow();
  return {
    looked,
    asOfMs() {
      const counting = looks.findLastIndex(({ atMs }) => atMs <= time.now() - seenAfterMs);
      if (counting > 0) looks = looks.slice(counting);
      return counting === -1 ? undefined : looks[0]?.throughMs;
    },
    stop: cancel,
  };
}

/** False where it cannot be: whoever only reads may not be allowed to. */
async function isMadeSeen(seeing: Seeing): Promise<boolean> {
  if (seeing.makeSeen === undefined) return false;
  try {
    await seeing.makeSeen();
    return true;
  } catch {
    return false;
  }
}

/** How far a durable has come: the time of the last event up to which it took all, or now when it took all there is. */
export function throughOf(manager: JetStreamManager, durable: string, now: () => number): () => Promise<number> {
  return async () => {
    const askedAtMs = now();
    const info = await manager.consumers.info(EVENTS_STREAM, durable);
    if (info.num_pending === 0 && info.num_ack_pending === 0) return askedAtMs;
    const floor = info.ack_floor.stream_seq;
    const message = floor === 0 ? null : await manager.streams.getMessage(EVENTS_STREAM, { seq: floor });
    if (message !== null) return message.time.getTime();
    // nothing taken yet, or the last one taken is gone from the stream: it has nothing older than its first
    const { state } = await manager.streams.info(EVENTS_STREAM);
    return Date.parse(state.first_ts);
  };
}
