import { eraseEvent } from '../../shared/core/event.ts';
import { PAGE_BYTES_MAX } from '../../shared/core/limits.ts';
import { utf8Bytes } from '../../shared/core/text.ts';
import { isErased, type Event } from '../../shared/core/types.ts';
import type { EventsPage, SessionIdentity } from '../session/api.ts';
import { storeUnavailable, type Store } from './store.ts';

/** what a deleted message and a purged trace take with them (contract §3); others may bear the same id */
const ERASED_WITH_MESSAGE: readonly string[] = ['message.created', 'message.updated'];
const ERASED_WITH_TRACE: readonly string[] = ['trace.started', 'trace.span', 'trace.finished'];

/**
 * A page of events: the archive's part first, then the tail's, contiguous, at most `limit` and 512 KiB. A page that is cut is no
 * gap: the next one goes on from its last seq. Throws unavailable when the archive cannot give the first of its part.
 */
export async function readEvents(identity: SessionIdentity, page: EventsPage, limit: number, store: Store): Promise<Event[]> {
  if (page.archived === undefined) return cut(page.events, limit);
  const { from, to } = page.archived;
  const archived = await store.events(identity, from, to);
  if (archived.length === 0) throw storeUnavailable(`the archive does not hold seq ${from}`);
  for (const [i, event] of archived.entries()) {
    if (event.seq !== from + i || event.seq > to) throw storeUnavailable(`the archive's answer has a gap at seq ${from + i}`);
    if (event.sessionid !== identity.sessionId || event.tenant !== identity.tenant) throw storeUnavailable('not of this session');
  }
  const whole = archived.map(erasing(page));
  const isComplete = archived.length === to - from + 1;
  return cut(isComplete ? [...whole, ...page.events] : whole, limit);
}

/** The archive may not have seen a deletion that the Session knows: what is erased must not come back by it. */
export function erasing(known: Pick<EventsPage, 'erasedSubjects' | 'erasedTraces'>): (event: Event) => Event {
  const erased = [
    { types: ERASED_WITH_MESSAGE, subjects: new Set(known.erasedSubjects) },
    { types: ERASED_WITH_TRACE, subjects: new Set(known.erasedTraces) },
  ];
  return (event) => (erased.some((each) => covers(each, event)) ? eraseEvent(event) : event);
}

function covers({ types, subjects }: { types: readonly string[]; subjects: ReadonlySet<string> }, event: Event): boolean {
  return !isErased(event) && types.includes(event.type) && subjects.has(event.subject);
}

function cut(events: readonly Event[], limit: number): Event[] {
  const kept: Event[] = [];
  let bytes = 0;
  for (const event of events.slice(0, limit)) {
    bytes += utf8Bytes(JSON.stringify(event)) + 1;
    if (kept.length > 0 && bytes > PAGE_BYTES_MAX) break;
    kept.push(event);
  }
  return kept;
}
