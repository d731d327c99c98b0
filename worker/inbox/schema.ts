/**
 * Tables of one inbox. A migration is appended, never edited: objects upgrade themselves when they wake. There is no
 * counter: `rev` is that of the row that changed last, and rows never go (a row that says "removed" must outlive every
 * older change that is still on its way).
 */
export const INBOX_MIGRATIONS: readonly (readonly string[])[] = [
  [
    `CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID`,
    `CREATE TABLE entries (
       session_id TEXT PRIMARY KEY, rev INTEGER NOT NULL, head INTEGER NOT NULL, head_ordinal INTEGER NOT NULL,
       activity INTEGER NOT NULL, role TEXT, read_ordinal INTEGER NOT NULL, mentions TEXT NOT NULL) WITHOUT ROWID`,
    `CREATE UNIQUE INDEX entries_by_rev ON entries (rev)`,
    `CREATE INDEX entries_by_activity ON entries (activity, session_id) WHERE role IS NOT NULL`,
    `CREATE TABLE tickets (digest TEXT PRIMARY KEY, caller TEXT NOT NULL, expires_at INTEGER NOT NULL) WITHOUT ROWID`,
    `CREATE INDEX tickets_by_expiry ON tickets (expires_at)`,
  ],
];
