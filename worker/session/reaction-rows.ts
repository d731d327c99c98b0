import { REACTION_USERS_SHOWN } from '../../shared/core/limits.ts';
import type { ReactionRecord } from '../../shared/core/types.ts';

export interface ReactionSummary {
  emoji: string;
  count: number;
  mine: boolean;
  userIds: string[];
}

/** The live reactions of a session: one row each, and no counters. */
export class ReactionRows {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  find(messageSeq: number, emoji: string, userId: string): ReactionRecord | undefined {
    const row = this.#sql
      .exec<{ seq: number }>(
        `SELECT seq FROM reactions WHERE message_seq = ? AND emoji = ? AND user_id = ?`,
        messageSeq,
        emoji,
        userId,
      )
      .toArray()[0];
    return row === undefined ? undefined : { messageSeq, emoji, userId, seq: row.seq };
  }

  counts(messageSeq: number): { reactions: number; emojis: number } {
    return this.#sql
      .exec<{ reactions: number; emojis: number }>(
        `SELECT count(*) AS reactions, count(DISTINCT emoji) AS emojis FROM reactions WHERE message_seq = ?`,
        messageSeq,
      )
      .one();
  }

  has(messageSeq: number, emoji: string): boolean {
    const found = this.#sql.exec(`SELECT 1 FROM reactions WHERE message_seq = ? AND emoji = ? LIMIT 1`, messageSeq, emoji);
    return found.toArray().length > 0;
  }

  /**
   * Of those messages that have any: by emoji, in the order in which they were first used; `mine` is `userId`'s. One look for a
   * page of messages, most of which have none.
   */
  summaries(messageSeqs: readonly number[], userId: string): Map<number, ReactionSummary[]> {
    const found = this.#sql.exec<{ message_seq: number; emoji: string; count: number; mine: number }>(
      `SELECT message_seq, emoji, count(*) AS count, max(user_id = ?) AS mine FROM reactions
       WHERE message_seq IN (SELECT value FROM json_each(?)) GROUP BY message_seq, emoji ORDER BY min(seq)`,
      userId,
      JSON.stringify(messageSeqs),
    );
    const summaries = new Map<number, ReactionSummary[]>();
    for (const { message_seq: messageSeq, emoji, count, mine } of found.toArray()) {
      const userIds = this.#firstUsers(messageSeq, emoji);
      summaries.set(messageSeq, [...(summaries.get(messageSeq) ?? []), { emoji, count, mine: mine === 1, userIds }]);
    }
    return summaries;
  }

  put({ messageSeq, emoji, userId, seq }: ReactionRecord): void {
    this.#sql.exec(
      `INSERT OR REPLACE INTO reactions (message_seq, emoji, user_id, seq) VALUES (?, ?, ?, ?)`,
      messageSeq,
      emoji,
      userId,
      seq,
    );
  }

  drop(messageSeq: number, emoji: string, userId: string): void {
    this.#sql.exec(`DELETE FROM reactions WHERE message_seq = ? AND emoji = ? AND user_id = ?`, messageSeq, emoji, userId);
  }

  dropOf(messageSeq: number): void {
    this.#sql.exec(`DELETE FROM reactions WHERE message_seq = ?`, messageSeq);
  }

  dropAll(): void {
    this.#sql.exec(`DELETE FROM reactions`);
  }

  #firstUsers(messageSeq: number, emoji: string): string[] {
    return this.#sql
      .exec<{ user_id: string }>(
        `SELECT user_id FROM reactions WHERE message_seq = ? AND emoji = ? ORDER BY seq LIMIT ?`,
        messageSeq,
        emoji,
        REACTION_USERS_SHOWN,
      )
      .toArray()
      .map((row) => row.user_id);
  }
}
