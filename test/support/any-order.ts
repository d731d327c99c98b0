import fc from 'fast-check';
import type { Event } from '../../shared/core/types.ts';
import { conversation, shuffledAndRepeated } from '../contracts/events.ts';

const DRAWS = 60;

/**
 * Checks a conversation of any kind whose events come in any order, and again: `batches` cuts them so. Each has a session of its
 * own, for a store is made once.
 */
export async function inAnyOrder(
  bounds: { numRuns: number; seed: number },
  check: (events: readonly Event[], batches: (events: readonly Event[]) => Event[][], sessionId: string) => Promise<void>,
): Promise<void> {
  let round = 0;
  const draws = fc.array(fc.nat({ max: 10_000 }), { minLength: DRAWS, maxLength: DRAWS });
  const property = fc.asyncProperty(conversation(), draws, async (events, luck) => {
    const sessionId = `run-${(round += 1)}`;
    const own = events.map((event): Event => ({ ...event, sessionid: sessionId, source: `/sessions/${sessionId}` }));
    await check(own, (all) => shuffledAndRepeated(all, luck), sessionId);
  });
  await fc.assert(property, bounds);
}
