import type { Client } from 'cassandra-driver';
import {
  columnOf,
  HISTORY_SCHEMA_VERSION,
  HISTORY_TABLES,
  type CellType,
  type HistoryTable,
  type TableDescription,
} from './tables.ts';

/** How the tables look in Cassandra, and the statements on them. Rows lie in buckets, and each cell has its clock as its timestamp. */

/** the stream holds 30 days: what was deleted cannot come back from there once its tombstone is gone */
const GC_GRACE_S = 45 * 24 * 60 * 60;
/** rows are edited and erased long after they came, which a compaction by time windows would never bring together */
const OPTIONS = `compaction = {'class': 'UnifiedCompactionStrategy'} AND gc_grace_seconds = ${GC_GRACE_S}`;

export const CQL_TYPES: Readonly<Record<CellType, string>> = {
  text: 'text',
  int: 'bigint',
  boolean: 'boolean',
  timestamp: 'timestamp',
  clock: 'bigint',
};

export const SCHEMA_NAME = 'history';
export const TOUCHED_TABLE = 'touched';
export const POSITIONS_TABLE = 'positions';

export interface CqlTable {
  name: string;
  /** name and type of each column, those of the key first */
  columns: readonly (readonly [name: string, type: string])[];
  /** as CQL writes it */
  primaryKey: string;
}

export function isBucketed(table: HistoryTable): boolean {
  const { seqsPerBucket }: TableDescription = HISTORY_TABLES[table];
  return seqsPerBucket !== undefined;
}

/** The columns that name a partition. */
export function partitionColumns(table: HistoryTable): string[] {
  return [...HISTORY_TABLES[table].sessionKey.map(columnOf), ...(isBucketed(table) ? ['bucket'] : [])];
}

/** The columns that name a row inside its partition; none where a session has one row. */
export function rowColumns(table: HistoryTable): string[] {
  const { rowKey }: TableDescription = HISTORY_TABLES[table];
  return rowKey.map(({ name }) => columnOf(name));
}

function historyTable(table: HistoryTable): CqlTable {
  const { cells, rowKey }: TableDescription = HISTORY_TABLES[table];
  const types = new Map(rowKey.map(({ name, type }) => [columnOf(name), CQL_TYPES[type]])).set('bucket', CQL_TYPES.int);
  const keys = [...partitionColumns(table), ...rowColumns(table)].map((name) => [name, types.get(name) ?? 'text'] as const);
  return {
    name: table,
    columns: [...keys, ...Object.entries(cells).map(([cell, type]) => [columnOf(cell), CQL_TYPES[type]] as const)],
    primaryKey: [`(${partitionColumns(table).join(', ')})`, ...rowColumns(table)].join(', '),
  };
}

/** Everything that `migrate` makes. */
export const CQL_TABLES: readonly CqlTable[] = [
  ...(Object.keys(HISTORY_TABLES) as HistoryTable[]).map(historyTable),
  {
    // what a deletion erases also when it comes late; `done_clock` is written when all that was there is erased
    name: 'erased_sessions',
    columns: [
      ['tenant', 'text'],
      ['session_id', 'text'],
      ['below_seq', 'bigint'],
      ['clock', 'bigint'],
      ['done_clock', 'bigint'],
    ],
    primaryKey: '(tenant, session_id)',
  },
  {
    // by the hour of writing (archive.ts says why), and spread, for all that is written goes to one hour
    name: TOUCHED_TABLE,
    columns: [
      ['hour', 'bigint'],
      ['shard', 'bigint'],
      ['tenant', 'text'],
      ['session_id', 'text'],
      ['bucket', 'bigint'],
    ],
    primaryKey: '(hour, shard), tenant, session_id, bucket',
  },
  {
    // what readers of the stream noted, by name
    name: POSITIONS_TABLE,
    columns: [
      ['name', 'text'],
      ['note', 'text'],
    ],
    primaryKey: 'name',
  },
  {
    name: 'probes',
    columns: [
      ['name', 'text'],
      ['at', 'timestamp'],
    ],
    primaryKey: 'name',
  },
];

export function createTableCql(keyspace: string, { name, columns, primaryKey }: CqlTable): string {
  const lines = [...columns.map((column) => column.join(' ')), `PRIMARY KEY (${primaryKey})`];
  return `CREATE TABLE IF NOT EXISTS ${keyspace}.${name} (${lines.join(', ')}) WITH ${OPTIONS}`;
}

/** A write of exactly these columns: what is not named stays as it is. The timestamp is the last parameter. */
export function insertCql(keyspace: string, table: string, columns: readonly string[]): string {
  const marks = columns.map(() => '?').join(', ');
  return `INSERT INTO ${keyspace}.${table} (${columns.join(', ')}) VALUES (${marks}) USING TIMESTAMP ?`;
}

/** The schema's version in a keyspace; 0 while there is none. */
export async function schemaVersion(client: Client, keyspace: string): Promise<number> {
  const tables = await client.execute(
    `SELECT table_name FROM system_schema.tables WHERE keyspace_name = ? AND table_name = 'schema_versions'`,
    [keyspace],
  );
  if (tables.rowLength === 0) return 0;
  const found = await client.execute(`SELECT version FROM ${keyspace}.schema_versions WHERE name = ?`, [SCHEMA_NAME]);
  return Number(found.first()?.['version'] ?? 0);
}

/**
 * Throws, with what to do, when the keyspace lacks what this program needs. A newer schema will do: changes only add, so that
 * `migrate` can go before the programs that need it.
 */
export async function requireSchema(client: Client, keyspace: string): Promise<void> {
  const version = await schemaVersion(client, keyspace);
  if (version >= HISTORY_SCHEMA_VERSION) return;
  throw new Error(
    `the Cassandra keyspace ${keyspace} has history schema ${version}, and this program needs ${HISTORY_SCHEMA_VERSION}: run "npm run migrate"`,
  );
}
