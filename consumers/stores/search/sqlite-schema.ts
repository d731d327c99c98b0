import type { DatabaseSync } from 'node:sqlite';

/**
 * `words` holds the terms that shared/search makes, separated by spaces: to FTS5 every character beyond ASCII is part of a
 * term (its tokenizer `ascii`), so it needs to know no language. `place` has the session's own term, that a reader of few
 * sessions pays for those alone. A change of terms or tables is another version, and the index is then made anew.
 */
export const SEARCH_SCHEMA_VERSION = 1;

const SCHEMA = [
  `CREATE TABLE documents (
     id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, session_id TEXT NOT NULL, message_id TEXT NOT NULL, clock INTEGER NOT NULL,
     seq INTEGER, author TEXT, role TEXT, parent_id TEXT, mentions TEXT, sent_at INTEGER,
     UNIQUE (tenant, session_id, message_id)) STRICT`,
  `CREATE VIRTUAL TABLE words USING fts5 (place, terms, tokenize = 'ascii')`,
  // what is erased leaves the index's pages too
  `INSERT INTO words (words, rank) VALUES ('secure-delete', 1)`,
  // what a deletion erases also when it comes late
  `CREATE TABLE erased_sessions (tenant TEXT NOT NULL, session_id TEXT NOT NULL, clock INTEGER NOT NULL,
     PRIMARY KEY (tenant, session_id)) STRICT, WITHOUT ROWID`,
  'CREATE TABLE probes (id INTEGER PRIMARY KEY, at INTEGER NOT NULL) STRICT',
];

/** Makes the tables, in one transaction that several processes may try at once. Throws when the file is of a newer program. */
export function migrate(database: DatabaseSync): void {
  database.exec('BEGIN IMMEDIATE');
  try {
    const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
    if (version > SEARCH_SCHEMA_VERSION) {
      throw new Error(`the search index has schema ${version}; this program knows up to ${SEARCH_SCHEMA_VERSION}`);
    }
    if (version < SEARCH_SCHEMA_VERSION) {
      for (const statement of SCHEMA) database.exec(statement);
      database.exec(`PRAGMA user_version = ${SEARCH_SCHEMA_VERSION}`);
    }
    database.exec('COMMIT');
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}
