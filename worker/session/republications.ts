import { rangesOf, type SeqRange } from '../../shared/core/seq-ranges.ts';
import type { Published } from './repair-plan.ts';

interface Row extends Record<string, SqlStorageValue> {
  from_seq: number;
  to_seq: number;
  at: number;
  attempts: number;
}

/**
 * What was published again, and when: noted before it is, so that a crash in between costs a wait and no second copy. Rows are
 * ranges; those of a later attempt lie over the earlier ones, until receipts have passed them all.
 */
export class Republications {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Of events from…to: the last attempt of each that there was, by seq. */
  between(from: number, to: number): ReadonlyMap<number, Published> {
    const rows = this.#sql.exec<Row>(`SELECT * FROM republications WHERE from_seq <= ? AND to_seq >= ? ORDER BY at`, to, from);
    const found = new Map<number, Published>();
    for (const row of rows) {
      for (let seq = Math.max(from, row.from_seq); seq <= Math.min(to, row.to_seq); seq += 1) {
        found.set(seq, { atMs: row.at, attempts: Math.max(row.attempts, found.get(seq)?.attempts ?? 0) });
      }
    }
    return found;
  }

  /** Notes one more attempt of each. Call inside a transaction. */
  note(seqs: readonly number[], atMs: number): void {
    const [first, last] = [seqs[0], seqs.at(-1)];
    if (first === undefined || last === undefined) return;
    const known = this.between(first, last);
    const byAttempts = new Map<number, number[]>();
    for (const seq of seqs) {
      const attempts = (known.get(seq)?.attempts ?? 0) + 1;
      byAttempts.set(attempts, [...(byAttempts.get(attempts) ?? []), seq]);
    }
    for (const [attempts, those] of byAttempts) {
      for (const range of rangesOf(those)) this.#put(range, atMs, attempts);
    }
  }

  /** Forgets what receipts have passed. Call inside a transaction. */
  forget(persisted: number): void {
    this.#sql.exec(`DELETE FROM republications WHERE to_seq <= ?`, persisted);
  }

  #put([from, to]: SeqRange, atMs: number, attempts: number): void {
    this.#sql.exec(`DELETE FROM republications WHERE from_seq >= ? AND to_seq <= ?`, from, to);
    this.#sql.exec(
      `INSERT OR REPLACE INTO republications (from_seq, to_seq, at, attempts) VALUES (?, ?, ?, ?)`,
      from,
      to,
      atMs,
      attempts,
    );
  }
}
