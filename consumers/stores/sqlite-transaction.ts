import type { DatabaseSync } from 'node:sqlite';

/** One write transaction: all of it or nothing. */
export function inTransaction<T>(database: DatabaseSync, section: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  try {
    const value = section();
    database.exec('COMMIT');
    return value;
  } catch (error) {
    // a full disk rolls back by itself
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}
