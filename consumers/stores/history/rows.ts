import type { StoredMessage } from '../../../shared/contract/internal.ts';
import type { Event, MessageRole, MessageStatus, Metadata } from '../../../shared/core/types.ts';
import type { CellsOf } from './tables.ts';

/** From cells to what readers get: the same for every adapter. */

/** The event of an archive row, erased or whole; undefined while its envelope has not come. */
export function eventOf(cells: CellsOf<'events'>): Event | undefined {
  if (cells.envelope === undefined || cells.data === undefined) return undefined;
  const envelope = JSON.parse(cells.envelope) as Omit<Event, 'data'>;
  const data = JSON.parse(cells.data) as { erased?: unknown };
  // what was parsed was an event that passed its schema when it was written
  return { ...envelope, data: data.erased === true ? { id: envelope.subject, erased: true } : data } as Event;
}

/** Undefined while the message's creation has not come. */
export function messageOf(seq: number, cells: CellsOf<'messages'>): StoredMessage | undefined {
  if (cells.createdAt === undefined) return undefined;
  return {
    id: cells.id ?? '',
    seq,
    author: cells.author ?? '',
    role: (cells.role ?? 'user') as MessageRole,
    text: cells.text ?? '',
    status: (cells.status ?? 'completed') as MessageStatus,
    // erased content is the empty string: a cell is never unset again
    ...(cells.toolCallId === undefined || cells.toolCallId === '' ? {} : { toolCallId: cells.toolCallId }),
    mentions: JSON.parse(cells.mentions ?? '[]') as string[],
    metadata: JSON.parse(cells.metadata ?? '{}') as Metadata,
    ...(cells.editedAt === undefined ? {} : { editedAt: cells.editedAt }),
    ...(cells.deletedAt === undefined ? {} : { deletedAt: cells.deletedAt }),
    version: (cells.version ?? 0n).toString(),
  };
}
