import type { DatabaseSync } from 'node:sqlite';

/**
 * A row that counts the rows of `messages`, kept by the writes themselves: counting a million of them takes a second. Rows are
 * never deleted. Not a step of the schema's version, which the other stores share: it is made wherever it is missing.
 */
export function ensureMessageCount(database: DatabaseSync): void {
  const isThere = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'messages_counted'").get() !== undefined;
  if (isThere) return;
  database.exec('BEGIN IMMEDIATE');
  try {
    database.exec(`
      CREATE TABLE IF NOT EXISTS message_count (id INTEGER PRIMARY KEY CHECK (id = 0), messages INTEGER NOT NULL) STRICT;
      INSERT OR REPLACE INTO message_count SELECT 0, count(*) FROM messages;
      CREATE TRIGGER IF NOT EXISTS messages_counted AFTER INSERT ON messages
        BEGIN UPDATE message_count SET messages = messages + 1; END;
    `);
    database.exec('COMMIT');
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}

export const MESSAGE_COUNT_SQL = 'SELECT messages FROM message_count';
