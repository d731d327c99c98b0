import { insertCql, isBucketed } from './cassandra-schema.ts';
import type { RowWrite } from './port.ts';
import { bucketOf, columnOf, HISTORY_TABLES, rowKeyOf, type CellValue, type HistoryTable } from './tables.ts';

export interface Statement {
  cql: string;
  parameters: unknown[];
}

/** What writes a row in Cassandra; undefined for one without cells. Pure. */
export function statementOf(keyspace: string, { table, key, cells, clock }: RowWrite): Statement | undefined {
  const written = Object.entries<CellValue>(cells);
  if (written.length === 0) return undefined;
  const [first] = rowKeyOf(table, { ...key });
  const bucket = isBucketed(table) && typeof first === 'number' ? { bucket: bucketOf(table, first) } : {};
  const columns: (readonly [name: string, value: unknown])[] = [
    ...Object.entries({ ...key, ...bucket }).map(
      ([name, value]) => [columnOf(name), typeof value === 'number' ? BigInt(value) : value] as const,
    ),
    ...written.map(([cell, value]) => [columnOf(cell), boundValue(table, cell, value)] as const),
  ];
  const names = columns.map(([name]) => name);
  return { cql: insertCql(keyspace, table, names), parameters: [...columns.map(([, value]) => value), clock] };
}

function boundValue(table: HistoryTable, cell: string, value: CellValue): unknown {
  const types: Readonly<Record<string, string>> = HISTORY_TABLES[table].cells;
  if (typeof value !== 'number') return value;
  return types[cell] === 'timestamp' ? new Date(value) : BigInt(value);
}
