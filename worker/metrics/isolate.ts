import { commandCount, Tally, type Door } from './counts.ts';

/**
 * What this isolate of the Worker counted: nobody can ask an isolate, so its next command takes it along to a Session. What an isolate
 * has when it goes is lost.
 */
const isolate = new Tally();

/** For the next command's way to its Session. */
export function takeAside(): { aside?: Record<string, number> } {
  const counts = isolate.take();
  return counts === undefined ? {} : { aside: { ...counts } };
}

/** How far a command came: each begins at neither. */
export class Way {
  asked = false;
  decided = false;
}

/** Notes on the way of a command that its Session was asked, and that it decided. */
export function noting<S, T>(way: Way, ask: (session: S) => Promise<T>): (session: S) => Promise<T> {
  return async (session) => {
    way.asked = true;
    const decision = await ask(session);
    way.decided = true;
    return decision;
  };
}

/** Counts a command that ended without a decision: refused by the door itself, or failed on its way. Sessions count the others. */
export function countUndecided(door: Door, way: Way): void {
  if (!way.decided) isolate.add(commandCount(door, way.asked ? 'failed' : 'refused'));
}
