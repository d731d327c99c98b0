import type { StoredMessage } from '../../../shared/contract/internal.ts';
import type { SeqRange } from '../../../shared/core/seq-ranges.ts';
import type { Event } from '../../../shared/core/types.ts';
import type { Archive } from './archive.ts';
import type { CellsOf, HistoryTable } from './tables.ts';

export interface SessionKey {
  tenant: string;
  sessionId: string;
}

interface RowKeys {
  events: SessionKey & { seq: number };
  messages: SessionKey & { seq: number };
  members: SessionKey & { userId: string };
  reactions: SessionKey & { messageSeq: number; emoji: string; userId: string };
  traces: SessionKey & { seq: number };
  spans: SessionKey & { seq: number };
  sessions: SessionKey;
}

/** Writes some cells of one row, blindly: cells that are not named stay as they are. */
export type RowWriteOf<T extends HistoryTable> = { kind: 'row'; table: T; key: RowKeys[T]; cells: CellsOf<T>; clock: bigint };
export type RowWrite = { [T in HistoryTable]: RowWriteOf<T> }[HistoryTable];

/**
 * Erases what lies below a session's deletion: `data` of every event with a smaller seq, the content of every message,
 * of every trace and span, and every member's and reaction's row becomes inactive; also of rows that come later, in any order.
 */
export interface EraseSession extends SessionKey {
  kind: 'eraseSession';
  belowSeq: number;
  clock: bigint;
}

export type HistoryWrite = RowWrite | EraseSession;

export interface Held {
  ranges: SeqRange[];
  /** latest times of the held events, epoch milliseconds; 0 when none is held */
  publishedAt: number;
  persistedAt: number;
}

/**
 * The history store. Writes are idempotent and free of order: per cell the higher clock wins, and of equal clocks the larger
 * value, so that any order of any repetition ends the same. Every method rejects when the store cannot be reached or
 * fails; write() with a StoreUnavailable wherever that is known to be no fault of the batch.
 */
export interface HistoryStore extends Archive {
  /**
   * Resolves once all of it is durable. After a rejection any part of it may have been written, but the archive's row of an
   * event only with all else of the batch.
   */
  write(batch: readonly HistoryWrite[]): Promise<void>;
  /**
   * Events from…to in order of seq, cut before maxBytes of JSON is exceeded, but at least one. A seq that is not held is
   * left out: the reader looks at the seqs.
   */
  readEvents(session: SessionKey, from: number, to: number, maxBytes: number): Promise<Event[]>;
  /** Events in the order of the seqs asked for, cut the same way. */
  readEventsAt(session: SessionKey, seqs: readonly number[], maxBytes: number): Promise<Event[]>;
  /** Messages in the order of the seqs asked for, cut like events. One without `createdAt` is absent. */
  readMessages(session: SessionKey, seqs: readonly number[], maxBytes: number): Promise<StoredMessage[]>;
  /** Which of these seqs the archive holds, erased or not. */
  heldRanges(session: SessionKey, ranges: readonly SeqRange[]): Promise<Held>;
  /** Resolves when the store takes what this process needs of it: writes too, when it writes. */
  health(): Promise<void>;
  close(): Promise<void>;
  /** How many messages there are, deleted ones included; only of a store that has a bound of its own. Throws when it cannot be read. */
  readonly messageCount?: () => number;
}
