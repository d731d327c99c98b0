import type { Accepted } from '../../shared/contract/answers.ts';
import { COMMAND_RECORD_MS, IDEMPOTENCY_KEY_MS } from '../../shared/core/limits.ts';

export interface CommandRecord {
  commandId: string;
  type: string;
  seq: number;
  eventId: string;
  actor: string;
  acceptedAt: number;
}

export interface KeyRecord {
  fingerprint: string;
  answer: Accepted;
}

interface CommandRow extends Record<string, SqlStorageValue> {
  command_id: string;
  type: string;
  seq: number;
  event_id: string;
  actor: string;
  accepted_at: number;
}

/** rows looked at per sweep: expired ones go, the next sweep continues behind the last one seen */
export const SWEEP_ROWS_MAX = 5_000;
/**
 * a pass over both tables begins at most so often: rows that are read are paid for, and a busy session has an alarm every few seconds.
 * A key answers for as much longer than it must
 */
export const SWEEP_PASS_EVERY_MS = 10 * 60_000;

/** What was accepted: for the status of commands, and for idempotency keys. */
export class CommandLog {
  readonly #sql: SqlStorage;
  /** behind which row the pass goes on; undefined: it is through with this table */
  #sweptCommand: string | undefined;
  #sweptKey: readonly [actor: string, key: string] | undefined;
  #passBegunAtMs = -Infinity;
  /** keys of chunks, which are stored with them: bounded by the rates of commands within STREAM_STORE_EVERY_MS */
  readonly #deferred = new Map<string, { streamId: string; actor: string; key: string; record: KeyRecord; atMs: number }>();

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  put(record: CommandRecord): void {
    this.#sql.exec(
      `INSERT OR REPLACE INTO commands (command_id, type, seq, event_id, actor, accepted_at) VALUES (?, ?, ?, ?, ?, ?)`,
      record.commandId,
      record.type,
      record.seq,
      record.eventId,
      record.actor,
      record.acceptedAt,
    );
  }

  /** Undefined also for one that the sweep has not reached yet: its times may be gone already. */
  find(commandId: string, nowMs: number): CommandRecord | undefined {
    const row = this.#sql.exec<CommandRow>(`SELECT * FROM commands WHERE command_id = ?`, commandId).toArray()[0];
    if (row === undefined || row.accepted_at < nowMs - COMMAND_RECORD_MS) return undefined;
    const { type, seq, actor } = row;
    return { commandId, type, seq, eventId: row.event_id, actor, acceptedAt: row.accepted_at };
  }

  putKey(actor: string, key: string, record: KeyRecord, atMs: number): void {
    this.#sql.exec(
      `INSERT OR REPLACE INTO idempotency_keys (actor, key, fingerprint, answer, at) VALUES (?, ?, ?, ?, ?)`,
      actor,
      key,
      record.fingerprint,
      JSON.stringify(record.answer),
      atMs,
    );
  }

  /** Keeps a key in memory until what it belongs to is stored: both are there after a crash, or neither. */
  deferKey(streamId: string, actor: string, key: string, record: KeyRecord, atMs: number): void {
    this.#deferred.set(deferredId(actor, key), { streamId, actor, key, record, atMs });
  }

  /** Call inside the transaction that stores what they belong to; forget them when it is committed. */
  storeDeferredKeys(ofStreamId?: string): void {
    for (const { streamId, actor, key, record, atMs } of this.#deferred.values()) {
      if (ofStreamId === undefined || streamId === ofStreamId) this.putKey(actor, key, record, atMs);
    }
  }

  forgetDeferredKeys(): void {
    this.#deferred.clear();
  }

  findKey(actor: string, key: string): KeyRecord | undefined {
    const deferred = this.#deferred.get(deferredId(actor, key));
    if (deferred !== undefined) return deferred.record;
    const row = this.#sql
      .exec<{ fingerprint: string; answer: string }>(
        `SELECT fingerprint, answer FROM idempotency_keys WHERE actor = ? AND key = ?`,
        actor,
        key,
      )
      .toArray()[0];
    return row === undefined ? undefined : { fingerprint: row.fingerprint, answer: JSON.parse(row.answer) as Accepted };
  }

  /** Drops expired records a slice at a time: neither table pays for an index on time. */
  sweep(nowMs: number): void {
    if (this.#sweptCommand === undefined && this.#sweptKey === undefined) {
      // a clock that was set back must not put it off
      if (Math.abs(nowMs - this.#passBegunAtMs) < SWEEP_PASS_EVERY_MS) return;
      this.#passBegunAtMs = nowMs;
      this.#sweptCommand = '';
      this.#sweptKey = ['', ''];
    }
    // a table that is done waits for the other: begun anew beside it, both might never be done at once
    if (this.#sweptCommand !== undefined) this.#sweptCommand = this.#sweepCommands(this.#sweptCommand, nowMs);
    if (this.#sweptKey !== undefined) this.#sweptKey = this.#sweepKeys(this.#sweptKey, nowMs);
  }

  #sweepCommands(behind: string, nowMs: number): string | undefined {
    const commands = this.#sql
      .exec<{ command_id: string; accepted_at: number }>(
        `SELECT command_id, accepted_at FROM commands WHERE command_id > ? ORDER BY command_id LIMIT ?`,
        behind,
        SWEEP_ROWS_MAX,
      )
      .toArray();
    for (const row of commands) {
      if (row.accepted_at < nowMs - COMMAND_RECORD_MS)
        this.#sql.exec(`DELETE FROM commands WHERE command_id = ?`, row.command_id);
    }
    return commands.length < SWEEP_ROWS_MAX ? undefined : commands.at(-1)?.command_id;
  }

  #sweepKeys([actor, key]: readonly [string, string], nowMs: number): readonly [string, string] | undefined {
    const keys = this.#sql
      .exec<{ actor: string; key: string; at: number }>(
        `SELECT actor, key, at FROM idempotency_keys WHERE (actor, key) > (?, ?) ORDER BY actor, key LIMIT ?`,
        actor,
        key,
        SWEEP_ROWS_MAX,
      )
      .toArray();
    for (const row of keys) {
      if (row.at < nowMs - IDEMPOTENCY_KEY_MS) {
        this.#sql.exec(`DELETE FROM idempotency_keys WHERE actor = ? AND key = ?`, row.actor, row.key);
      }
    }
    const last = keys.length < SWEEP_ROWS_MAX ? undefined : keys.at(-1);
    return last === undefined ? undefined : [last.actor, last.key];
  }
}

/** Neither holds a space. */
function deferredId(actor: string, key: string): string {
  return `${actor} ${key}`;
}
