import type { DatabaseSync } from 'node:sqlite';
import { inTransaction } from '../sqlite-transaction.ts';

/**
 * `words` holds the terms that shared/search makes, separated by spaces: to FTS5 every character beyond ASCII is part of a
 * term (its tokenizer `ascii`), so it needs to know no language. `place` has the session's own term, that a reader of few
 * sessions pays for those alone. Each generation of the index has tables of its own. A change of terms or tables is another
 * version, and the index is then made anew.
 */
export const SEARCH_SCHEMA_VERSION = 2;
const FIRST_GENERATION = 1;

/** The tables of one generation. */
export interface GenerationTables {
  documents: string;
  words: string;
  erasedSessions: string;
}

export function tablesOf(generation: number): GenerationTables {
  return { documents: `documents_${generation}`, words: `words_${generation}`, erasedSessions: `erased_sessions_${generation}` };
}

/** Throws when they exist. Inside a transaction of the caller. */
export function createGeneration(database: DatabaseSync, generation: number): void {
  const { documents, words, erasedSessions } = tablesOf(generation);
  database.exec(`
    CREATE TABLE ${documents} (
      id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, session_id TEXT NOT NULL, message_id TEXT NOT NULL, clock INTEGER NOT NULL,
      seq INTEGER, author TEXT, role TEXT, parent_id TEXT, mentions TEXT, sent_at INTEGER,
      UNIQUE (tenant, session_id, message_id)) STRICT;
    CREATE VIRTUAL TABLE ${words} USING fts5 (place, terms, tokenize = 'ascii');
    INSERT INTO ${words} (${words}, rank) VALUES ('secure-delete', 1);
    CREATE TABLE ${erasedSessions} (tenant TEXT NOT NULL, session_id TEXT NOT NULL, clock INTEGER NOT NULL,
      PRIMARY KEY (tenant, session_id)) STRICT, WITHOUT ROWID;
  `);
}

/** Inside a transaction of the caller. */
export function dropGeneration(database: DatabaseSync, generation: number): void {
  for (const table of Object.values(tablesOf(generation)) as string[]) database.exec(`DROP TABLE IF EXISTS ${table}`);
}

export function generationsIn(database: DatabaseSync): number[] {
  const rows = database.prepare(String.raw`SELECT name FROM sqlite_master WHERE name LIKE 'documents\_%' ESCAPE '\'`).all();
  return rows.map((row) => Number(String(row['name']).slice('documents_'.length))).toSorted((a, b) => a - b);
}

/** Whether its tables are there. */
export function hasGeneration(database: DatabaseSync, generation: number): boolean {
  const { documents } = tablesOf(generation);
  return database.prepare('SELECT 1 FROM sqlite_master WHERE name = ?').get(documents) !== undefined;
}

export const CURRENT_SQL = 'SELECT current FROM generation';
export const SWAP_SQL = 'UPDATE generation SET current = ?';

/**
 * Makes what is missing, in one transaction that several processes may try at once; `withFirst`: in a new file the first
 * generation too. Throws when the file is of another program.
 */
export function migrate(database: DatabaseSync, withFirst: boolean): void {
  inTransaction(database, () => {
    const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
    if (version > SEARCH_SCHEMA_VERSION) {
      throw new Error(`the search index has schema ${version}; this program knows up to ${SEARCH_SCHEMA_VERSION}`);
    }
    if (version === SEARCH_SCHEMA_VERSION) return;
    if (version > 0) throw new Error(`the search index has schema ${version}: remove its file, and rebuild it`);
    database.exec(`
      CREATE TABLE generation (id INTEGER PRIMARY KEY CHECK (id = 0), current INTEGER NOT NULL) STRICT;
      INSERT INTO generation (id, current) VALUES (0, ${FIRST_GENERATION});
      CREATE TABLE probes (id INTEGER PRIMARY KEY, at INTEGER NOT NULL) STRICT;
    `);
    if (withFirst) createGeneration(database, FIRST_GENERATION);
    database.exec(`PRAGMA user_version = ${SEARCH_SCHEMA_VERSION}`);
  });
}
