import { columnOf, HISTORY_TABLES, type CellsOf, type CellValue, type HistoryTable } from './tables.ts';

export type Row = Readonly<Record<string, unknown>>;

/** The cells that a row holds, typed as the table describes them. */
export function cellsOf<T extends HistoryTable>(table: T, row: Row): CellsOf<T> {
  const cells: Record<string, CellValue> = {};
  for (const [cell, type] of Object.entries(HISTORY_TABLES[table].cells)) {
    const value = row[columnOf(cell)];
    if (typeof value === 'string') cells[cell] = value;
    else if (typeof value === 'bigint')
      cells[cell] = type === 'clock' ? value : type === 'boolean' ? value === 1n : Number(value);
  }
  // each value has just been made what its column's type says
  return cells as CellsOf<T>;
}
