/**
 * Tables of one session. A migration is appended, never edited: objects upgrade themselves when they wake.
 * Rows written are billed, so: no outbox table (watermarks over `events`), no state row that every command
 * rewrites (head, clock and ordinal are those of the last rows), ranges instead of a flag per event.
 */
export const MIGRATIONS: readonly string[][] = [
  [
    `CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID`,
    `CREATE TABLE members (
       user_id TEXT PRIMARY KEY, role TEXT NOT NULL, active INTEGER NOT NULL, name TEXT, kind TEXT NOT NULL,
       joined_at INTEGER NOT NULL, read_seq INTEGER NOT NULL) WITHOUT ROWID`,
    `CREATE TABLE messages (
       seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, ordinal INTEGER NOT NULL, author TEXT NOT NULL,
       author_kind TEXT NOT NULL, author_name TEXT, role TEXT NOT NULL, name TEXT, parent_id TEXT, mentions TEXT,
       created_at INTEGER NOT NULL, edited_at INTEGER, deleted_at INTEGER, updated_seqs TEXT, clock TEXT NOT NULL,
       text_bytes INTEGER NOT NULL, rest_bytes INTEGER NOT NULL)`,
    `CREATE INDEX messages_by_parent ON messages (parent_id, seq) WHERE parent_id IS NOT NULL`,
    `CREATE TABLE events (
       seq INTEGER PRIMARY KEY, id TEXT NOT NULL, type TEXT NOT NULL, subject TEXT NOT NULL, clock TEXT NOT NULL, at INTEGER NOT NULL,
       bytes INTEGER NOT NULL, body TEXT NOT NULL)`,
    `CREATE TABLE commands (
       command_id TEXT PRIMARY KEY, type TEXT NOT NULL, seq INTEGER NOT NULL, event_id TEXT NOT NULL,
       actor TEXT NOT NULL, accepted_at INTEGER NOT NULL) WITHOUT ROWID`,
    `CREATE TABLE idempotency_keys (
       actor TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, answer TEXT NOT NULL, at INTEGER NOT NULL,
       PRIMARY KEY (actor, key)) WITHOUT ROWID`,
    `CREATE TABLE publications (from_seq INTEGER PRIMARY KEY, to_seq INTEGER NOT NULL, at INTEGER NOT NULL)`,
    `CREATE TABLE receipts (
       from_seq INTEGER PRIMARY KEY, to_seq INTEGER NOT NULL, published_at INTEGER NOT NULL, persisted_at INTEGER NOT NULL,
       taken_at INTEGER NOT NULL)`,
    `CREATE TABLE failures (
       seq INTEGER PRIMARY KEY, code TEXT NOT NULL, detail TEXT NOT NULL, consumer TEXT NOT NULL, at INTEGER NOT NULL)`,
    `CREATE TABLE tickets (digest TEXT PRIMARY KEY, caller TEXT NOT NULL, expires_at INTEGER NOT NULL) WITHOUT ROWID`,
    `CREATE INDEX tickets_by_expiry ON tickets (expires_at)`,
  ],
  [
    `CREATE TABLE mentions (user_id TEXT NOT NULL, ordinal INTEGER NOT NULL, PRIMARY KEY (user_id, ordinal)) WITHOUT ROWID`,
    `CREATE TABLE inbox_outbox (user_id TEXT PRIMARY KEY) WITHOUT ROWID`,
    `CREATE TABLE streams (id TEXT PRIMARY KEY, record TEXT NOT NULL, open INTEGER NOT NULL) WITHOUT ROWID`,
    `CREATE TABLE stream_chunks (
       stream_id TEXT NOT NULL, first_index INTEGER NOT NULL, chunks TEXT NOT NULL, at INTEGER NOT NULL,
       PRIMARY KEY (stream_id, first_index)) WITHOUT ROWID`,
    `CREATE TABLE ended_streams (id TEXT PRIMARY KEY) WITHOUT ROWID`,
    `CREATE TABLE departures (user_id TEXT PRIMARY KEY, present TEXT NOT NULL) WITHOUT ROWID`,
  ],
  [
    `CREATE TABLE reactions (
       message_seq INTEGER NOT NULL, emoji TEXT NOT NULL, user_id TEXT NOT NULL, seq INTEGER NOT NULL,
       PRIMARY KEY (message_seq, emoji, user_id)) WITHOUT ROWID`,
    `CREATE TABLE traces (
       seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, status TEXT NOT NULL, author TEXT NOT NULL,
       author_kind TEXT NOT NULL, author_name TEXT, started_at INTEGER NOT NULL, finished_seq INTEGER, finished_at INTEGER,
       error TEXT, purged_at INTEGER, span_updates INTEGER NOT NULL, metadata_bytes INTEGER NOT NULL)`,
    `CREATE TABLE spans (
       trace_seq INTEGER NOT NULL, span_id TEXT NOT NULL, seq INTEGER NOT NULL, ordinal INTEGER NOT NULL, parts TEXT NOT NULL,
       updated_seqs TEXT, PRIMARY KEY (trace_seq, span_id)) WITHOUT ROWID`,
    `CREATE INDEX spans_by_seq ON spans (trace_seq, seq)`,
  ],
  [`CREATE TABLE digests (bucket INTEGER PRIMARY KEY, digests BLOB NOT NULL)`],
  [
    // NULL: of an older build, or not told
    `ALTER TABLE publications ADD COLUMN stream_seq INTEGER`,
    `CREATE TABLE republications (
       from_seq INTEGER NOT NULL, to_seq INTEGER NOT NULL, at INTEGER NOT NULL, attempts INTEGER NOT NULL,
       PRIMARY KEY (from_seq, at)) WITHOUT ROWID`,
  ],
];

export function schemaVersion(sql: SqlStorage): number {
  const exists = sql.exec(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'meta'`).toArray().length > 0;
  if (!exists) return 0;
  const row = sql.exec<{ value: string }>(`SELECT value FROM meta WHERE key = 'schema_version'`).toArray()[0];
  return row === undefined ? 0 : Number(row.value);
}

/**
 * Brings the tables to the newest version; call inside a transaction. Writes nothing when they are there already, or are those
 * of a newer build: a roll-back must not forget how far they are, or the next build would make them again.
 */
export function migrate(sql: SqlStorage, from: number, migrations: readonly (readonly string[])[] = MIGRATIONS): void {
  if (from >= migrations.length) return;
  for (const statements of migrations.slice(from)) for (const statement of statements) sql.exec(statement);
  sql.exec(`INSERT OR REPLACE INTO meta (key, value) VALUES ('schema_version', ?)`, String(migrations.length));
}
