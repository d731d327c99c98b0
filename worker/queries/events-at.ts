import { eraseEvent } from '../../shared/core/event.ts';
import type { Event } from '../../shared/core/types.ts';
import type { EventsAt, SessionIdentity } from '../session/api.ts';
import { erasing } from './events.ts';
import { storeUnavailable, type Store } from './store.ts';

/** Events by seq as they are now: from the tail, else from the archive with the erasures that the Session knows. Throws unavailable. */
export async function readEventsAt(identity: SessionIdentity, found: EventsAt, store: Store): Promise<Event[]> {
  const { archivedSeqs } = found;
  if (archivedSeqs.length === 0) return found.events;
  const archived = await store.eventsAt(identity, archivedSeqs);
  const seqs = new Set(archived.map(({ seq }) => seq));
  if (archivedSeqs.some((seq) => !seqs.has(seq))) throw storeUnavailable('the archive does not hold all of these seqs');
  const erased = erasing(found);
  // a deletion covers all but the event that says it
  const now = (event: Event): Event => (found.isDeleted && event.type !== 'session.deleted' ? eraseEvent(event) : erased(event));
  return [...archived.map(now), ...found.events];
}
