import { MIGRATIONS } from '../../worker/session/schema.ts';
import type { MemoryStorage } from '../support/sql-storage.ts';

const TABLE_MADE = /^\s*CREATE TABLE (?:IF NOT EXISTS )?(\w+)/i;
const COLUMN_ADDED = /^\s*ALTER TABLE (\w+) ADD COLUMN (\w+)/i;
const INDEX_MADE = /^\s*CREATE (?:UNIQUE )?INDEX/i;
/** what an older build does not write down, and does without: it is there again after the upgrade, or is not needed */
const DISPENSABLE: readonly string[] = ['inbox_outbox', 'mentions', 'departures', 'digests', 'republications'];

/**
 * Takes the newest migrations back, as if the build before them had written all there is: the next start must upgrade it.
 * Stops before one whose tables hold what such a build could not have written. Returns how many were taken back.
 */
export function downgrade(storage: MemoryStorage): number {
  const { sql } = storage;
  const hasMeta = sql.exec(`SELECT 1 FROM sqlite_master WHERE name = 'meta'`).toArray().length > 0;
  if (!hasMeta) return 0;
  const stored = sql.exec<{ value: string }>(`SELECT value FROM meta WHERE key = 'schema_version'`).toArray()[0];
  const from = Number(stored?.value ?? 0);
  let version = from;
  while (version > 1 && takeBack(storage, MIGRATIONS[version - 1] ?? [])) version -= 1;
  sql.exec(`UPDATE meta SET value = ? WHERE key = 'schema_version'`, String(version));
  return from - version;
}

function takeBack({ sql }: MemoryStorage, migration: readonly string[]): boolean {
  const tables = migration.map((statement) => TABLE_MADE.exec(statement)?.[1]).filter((table) => table !== undefined);
  const columns = migration.map((statement) => COLUMN_ADDED.exec(statement)).filter((match) => match !== null);
  const isKnown = migration.every((statement) => [TABLE_MADE, COLUMN_ADDED, INDEX_MADE].some((form) => form.test(statement)));
  const isUnused = tables
    .filter((table) => !DISPENSABLE.includes(table))
    .every((table) => sql.exec(`SELECT 1 FROM ${table} LIMIT 1`).toArray().length === 0);
  if (!isKnown || !isUnused) return false;
  for (const table of tables) sql.exec(`DROP TABLE ${table}`);
  for (const [, table, column] of columns) sql.exec(`ALTER TABLE ${table} DROP COLUMN ${column}`);
  return true;
}
