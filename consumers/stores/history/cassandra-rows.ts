import type { QueryOptions, types } from 'cassandra-driver';
import { columnOf, HISTORY_TABLES, type CellsOf, type CellValue, type HistoryTable } from './tables.ts';

/** How rows come out of Cassandra: page by page, so that no answer is larger than a page, and as the tables describe them. */

/** A client, or one that does more than one attempt. */
export interface Executor {
  execute(cql: string, parameters: unknown[], options: QueryOptions): Promise<types.ResultSet>;
}

/** Every row of a query, `fetchSize` at a time; the next page is asked for once the one before is done with. */
export async function* pagesOf(
  client: Executor,
  cql: string,
  parameters: readonly unknown[],
  fetchSize: number,
): AsyncGenerator<types.Row[]> {
  let pageState: string | undefined;
  do {
    const page = await client.execute(cql, [...parameters], {
      fetchSize,
      ...(pageState === undefined ? {} : { pageState }),
    });
    yield page.rows;
    pageState = page.pageState;
    // the driver's types say string, and its last page says null
  } while (pageState);
}

/** The cells that a row holds, typed as the table describes them. */
export function cellsOf<T extends HistoryTable>(table: T, row: types.Row): CellsOf<T> {
  const cells: Record<string, CellValue> = {};
  for (const [cell, type] of Object.entries(HISTORY_TABLES[table].cells)) {
    const value: unknown = row[columnOf(cell)];
    if (typeof value === 'string' || typeof value === 'boolean') cells[cell] = value;
    else if (typeof value === 'bigint') cells[cell] = type === 'clock' ? value : Number(value);
    else if (value instanceof Date) cells[cell] = value.getTime();
  }
  // each value has just been made what its column's type says
  return cells as CellsOf<T>;
}
