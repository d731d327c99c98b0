import { z } from 'zod';
import type { EventsAtRequest } from '../../shared/contract/internal.ts';
import type { Event } from '../../shared/core/types.ts';
import type { EventPlace } from '../runtime/incoming.ts';
import type { SignedPost } from '../runtime/signed-post.ts';

/** within what there is for an answer */
const CALL_MS_MAX = 1_000;

/** What is looked at here. Whether it is an event of a type and version that are known, the consumer says that gets it. */
const answer = z.object({
  events: z.array(
    z.looseObject({ tenant: z.string(), sessionid: z.string(), seq: z.int(), data: z.record(z.string(), z.unknown()) }),
  ),
});

/**
 * Asks a Session for an event as it is now. A dead letter is an old copy: what was erased since must not come back by it, and once
 * the store has forgotten its tombstones nothing else would hold it off. Rejects when the edge is away, or its answer is no event.
 */
export function eventsOfEdge(post: SignedPost): (place: EventPlace) => Promise<Event | undefined> {
  return async ({ tenant, sessionId, seq }) => {
    const request: EventsAtRequest = { v: 1, tenant, sessionId, seqs: [seq] };
    const { events } = answer.parse(await post('/internal/events', request, CALL_MS_MAX));
    // looked at as far as it is used here; the rest is what the edge itself wrote
    return events.find((event) => event.seq === seq) as Event | undefined;
  };
}
