import { EVENT_BYTES_MAX } from '../../shared/core/limits.ts';
import type { Event } from '../../shared/core/types.ts';
import type { EventsAt } from './api.ts';
import type { Room } from './room.ts';

/** Events as they are now, for a consumer that has an old copy of one. What never was is left out; reading writes nothing. */
export function eventsAt(room: Room, seqs: readonly number[]): EventsAt {
  const { head, floor } = room.exists ? room.events : { head: 0, floor: 1 };
  const known = seqs.filter((seq) => seq >= 1 && seq <= head);
  const archivedSeqs = known.filter((seq) => seq < floor);
  const last = Math.max(0, ...archivedSeqs);
  const isArchiveAsked = archivedSeqs.length > 0;
  return {
    // as they were committed: an archive keeps each in the version that it was stamped with
    events: known.flatMap((seq) => room.events.range(seq, 1, EVENT_BYTES_MAX, seq).map(({ body }) => JSON.parse(body) as Event)),
    archivedSeqs,
    isDeleted: room.view.session()?.status === 'deleted',
    erasedSubjects: isArchiveAsked ? room.events.deletedMessages(room.progress.archived(), last) : [],
    erasedTraces: isArchiveAsked ? room.events.purgedTraces(room.progress.archived(), last) : [],
  };
}
