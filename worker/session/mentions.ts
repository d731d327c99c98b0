import { INBOX_COUNT_MAX } from '../../shared/core/limits.ts';

/**
 * Who was mentioned and has not read it: one small row each, gone when it is read, answered or deleted. Only members have
 * rows, and each at most INBOX_COUNT_MAX of the newest: an inbox counts no further.
 */
export class Mentions {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  add(userId: string, ordinal: number): void {
    this.#sql.exec(`INSERT OR IGNORE INTO mentions (user_id, ordinal) VALUES (?, ?)`, userId, ordinal);
    this.#sql.exec(
      `DELETE FROM mentions WHERE user_id = ?1 AND ordinal <
         (SELECT ordinal FROM mentions WHERE user_id = ?1 ORDER BY ordinal DESC LIMIT 1 OFFSET ?2)`,
      userId,
      INBOX_COUNT_MAX - 1,
    );
  }

  /** What the user has read, or answered, mentions nobody any more. */
  settle(userId: string, upToOrdinal: number): void {
    this.#sql.exec(`DELETE FROM mentions WHERE user_id = ? AND ordinal <= ?`, userId, upToOrdinal);
  }

  remove(userId: string, ordinal: number): void {
    this.#sql.exec(`DELETE FROM mentions WHERE user_id = ? AND ordinal = ?`, userId, ordinal);
  }

  clear(): void {
    this.#sql.exec(`DELETE FROM mentions`);
  }

  /** Rising. */
  above(userId: string, ordinal: number): number[] {
    return this.#sql
      .exec<{ ordinal: number }>(
        `SELECT ordinal FROM mentions WHERE user_id = ? AND ordinal > ? ORDER BY ordinal`,
        userId,
        ordinal,
      )
      .toArray()
      .map((row) => row.ordinal);
  }
}
