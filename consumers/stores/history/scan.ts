import type { SessionKey } from './port.ts';
import type { CellValue, HistoryTable } from './tables.ts';

/** The tables as they lie there, whoever wrote them: for whoever judges the store, not for queries. */

export interface ScannedRow {
  table: HistoryTable;
  /** of the partition in which it lies, where the table has buckets */
  bucket?: number;
  /** the rest of its key, part by part */
  key: Readonly<Record<string, number | string>>;
  /** the same in one, where a session has more than one row; of several parts joined by spaces, of which no part has any */
  rowKey?: number | string;
  /** what is set, by cell, whether the row is whole or not */
  cells: Readonly<Record<string, CellValue>>;
  /** the clock of each cell that is set */
  clocks: Readonly<Record<string, bigint>>;
}

export interface HistoryScan {
  /**
   * Every row of the session, a page at a time, table by table and in the order of their keys: where there are buckets, of
   * those up to that of `throughSeq` and of the one after it. Waits through outages of a minute; rejects with a
   * StoreUnavailable after that.
   */
  rows(session: SessionKey, throughSeq: number, tables?: readonly HistoryTable[]): AsyncGenerator<ScannedRow[]>;
  /** Every session that has an event in the archive, a page at a time; one may come more than once. */
  sessions(): AsyncGenerator<SessionKey[]>;
  close(): Promise<void>;
}

/** The parts of a key in one. */
export function joinedKey(parts: readonly (number | string)[]): Pick<ScannedRow, 'rowKey'> {
  const rowKey = parts.length > 1 ? parts.join(' ') : parts[0];
  return rowKey === undefined ? {} : { rowKey };
}

/** A part of a key as a store's driver reads it. */
export function keyPart(value: unknown): number | string {
  return typeof value === 'bigint' ? Number(value) : String(value);
}
