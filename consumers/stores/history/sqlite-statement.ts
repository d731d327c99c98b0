import type { SQLInputValue } from 'node:sqlite';
import type { RowWrite } from './port.ts';
import { keyNames, upsertSql } from './sqlite-schema.ts';
import type { CellValue } from './tables.ts';

export interface Statement {
  sql: string;
  parameters: SQLInputValue[];
}

/** What writes a row in SQLite; undefined for one without cells. Pure. */
export function statementOf({ table, key, cells, clock }: RowWrite): Statement | undefined {
  const named = Object.entries<CellValue>(cells);
  if (named.length === 0) return undefined;
  const keys: Readonly<Record<string, string | number>> = { ...key };
  const keyValues = keyNames(table).map((name) => keys[name] ?? '');
  const cellValues = named.flatMap(([, value]) => [boundValue(value), clock]);
  const names = named.map(([name]) => name);
  return { sql: upsertSql(table, names), parameters: [...keyValues, ...cellValues] };
}

/** SQLite has no booleans. */
export function boundValue(value: CellValue): SQLInputValue {
  return typeof value === 'boolean' ? Number(value) : value;
}
