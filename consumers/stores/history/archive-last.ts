import type { HistoryWrite, RowWrite } from './port.ts';

/**
 * A batch in the order in which a store without transactions writes it: what the events make first, and their archive rows when
 * all of that is durable. An archive row is what says that an event is persisted (heldRanges), also to a Session whose stream has
 * lost the event: whoever finds it must find the rest.
 */
export function archiveLast(batch: readonly HistoryWrite[]): { made: readonly HistoryWrite[]; archived: readonly RowWrite[] } {
  return { made: batch.filter((write) => !isArchiveRow(write)), archived: batch.filter(isArchiveRow) };
}

/** A whole event's, not the erasure of one. */
function isArchiveRow(write: HistoryWrite): write is RowWrite {
  return write.kind === 'row' && write.table === 'events' && write.cells.envelope !== undefined;
}
