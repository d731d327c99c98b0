import type { DatabaseSync } from 'node:sqlite';
import {
  columnOf,
  HISTORY_SCHEMA_VERSION,
  HISTORY_TABLES,
  seqPartOf,
  type CellType,
  type HistoryTable,
  type TableDescription,
} from './tables.ts';

/** How the tables look in SQLite: each cell has its clock beside it. One file needs no buckets. */

export const TABLE_NAMES = Object.keys(HISTORY_TABLES) as HistoryTable[];

const SQL_TYPES: Readonly<Record<CellType, string>> = {
  text: 'TEXT',
  int: 'INTEGER',
  boolean: 'INTEGER',
  timestamp: 'INTEGER',
  clock: 'INTEGER',
};

export function keyNames(table: HistoryTable): string[] {
  const { sessionKey, rowKey }: TableDescription = HISTORY_TABLES[table];
  return [...sessionKey, ...rowKey.map(({ name }) => name)];
}

export function clockColumn(cell: string): string {
  return `${columnOf(cell)}_clock`;
}

function createTable(table: HistoryTable): string {
  const { cells, rowKey }: TableDescription = HISTORY_TABLES[table];
  const types = new Map(rowKey.map(({ name, type }): [string, string] => [name, SQL_TYPES[type]]));
  const keys = keyNames(table).map((name) => `${columnOf(name)} ${types.get(name) ?? 'TEXT'} NOT NULL`);
  const columns = Object.entries(cells).flatMap(([cell, type]) => [
    `${columnOf(cell)} ${SQL_TYPES[type]}`,
    `${clockColumn(cell)} INTEGER`,
  ]);
  const primary = `PRIMARY KEY (${keyNames(table).map(columnOf).join(', ')})`;
  return `CREATE TABLE IF NOT EXISTS ${table} (${[...keys, ...columns, primary].join(', ')}) STRICT, WITHOUT ROWID`;
}

const SCHEMA = [
  ...TABLE_NAMES.map(createTable),
  // what a deletion erases also when it comes late; several workers may see several deletions of one session's history
  `CREATE TABLE IF NOT EXISTS erased_sessions (tenant TEXT NOT NULL, session_id TEXT NOT NULL, below_seq INTEGER NOT NULL,
    clock INTEGER NOT NULL, PRIMARY KEY (tenant, session_id)) STRICT, WITHOUT ROWID`,
  // by the hour of writing: archive.ts says why
  `CREATE TABLE IF NOT EXISTS touched (hour INTEGER NOT NULL, tenant TEXT NOT NULL, session_id TEXT NOT NULL, bucket INTEGER NOT NULL,
    PRIMARY KEY (hour, tenant, session_id, bucket)) STRICT, WITHOUT ROWID`,
  // what readers of the stream noted, by name
  'CREATE TABLE IF NOT EXISTS positions (name TEXT PRIMARY KEY, note TEXT NOT NULL) STRICT, WITHOUT ROWID',
  'CREATE TABLE IF NOT EXISTS probes (id INTEGER PRIMARY KEY, at INTEGER NOT NULL) STRICT',
];

/** Makes what is missing, in one transaction that several processes may try at once. Throws when the file is of a newer program. */
export function migrate(database: DatabaseSync): void {
  database.exec('BEGIN IMMEDIATE');
  try {
    const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
    if (version > HISTORY_SCHEMA_VERSION) {
      throw new Error(`the history store has schema ${version}; this program knows up to ${HISTORY_SCHEMA_VERSION}`);
    }
    if (version < HISTORY_SCHEMA_VERSION) {
      for (const statement of SCHEMA) database.exec(statement);
      database.exec(`PRAGMA user_version = ${HISTORY_SCHEMA_VERSION}`);
    }
    database.exec('COMMIT');
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}

/** A row's write with exactly these cells: per cell the higher clock wins, and of equal clocks the larger value. */
export function upsertSql(table: HistoryTable, cells: readonly string[]): string {
  const name = `${table} ${cells.join(' ')}`;
  const known = UPSERTS.get(name);
  if (known !== undefined) return known;
  const sql = upsertOf(table, cells);
  UPSERTS.set(name, sql);
  return sql;
}

/** by table and cells, of which events write only some combinations */
const UPSERTS = new Map<string, string>();

function upsertOf(table: HistoryTable, cells: readonly string[]): string {
  const keys = keyNames(table).map(columnOf);
  const columns = cells.flatMap((cell) => [columnOf(cell), clockColumn(cell)]);
  const assignments = cells.flatMap((cell) => {
    const value = columnOf(cell);
    const clock = clockColumn(cell);
    const wins =
      `${table}.${clock} IS NULL OR excluded.${clock} > ${table}.${clock} ` +
      `OR (excluded.${clock} = ${table}.${clock} AND excluded.${value} > ${table}.${value})`;
    return [value, clock].map((column) => `${column} = CASE WHEN ${wins} THEN excluded.${column} ELSE ${table}.${column} END`);
  });
  const all = [...keys, ...columns];
  return (
    `INSERT INTO ${table} (${all.join(', ')}) VALUES (${all.map(() => '?').join(', ')}) ` +
    `ON CONFLICT (${keys.join(', ')}) DO UPDATE SET ${assignments.join(', ')}`
  );
}

/** Overwrites one cell where its clock is lower: of all of a session's rows, or of one by its whole key. A table with seqs: below one. */
export function overwriteSql(table: HistoryTable, cell: string, scope: 'session' | 'row'): string {
  const clock = clockColumn(cell);
  const keys = (scope === 'row' ? keyNames(table) : HISTORY_TABLES[table].sessionKey).map((name) => `${columnOf(name)} = ?`);
  const seqPart = seqPartOf(table);
  const below = seqPart === undefined ? [] : [`${columnOf(seqPart.name)} < ?`];
  const where = [...keys, ...below, `(${clock} IS NULL OR ${clock} < ?)`].join(' AND ');
  return `UPDATE ${table} SET ${columnOf(cell)} = ?, ${clock} = ? WHERE ${where}`;
}
