import { eraseEvent } from '../../shared/core/event.ts';
import { utf8Bytes } from '../../shared/core/text.ts';
import type { Event } from '../../shared/core/types.ts';

/** An event as the tail keeps it: encoded once, at the commit, and sent, published and read as it is. */
export interface EncodedEvent {
  seq: number;
  id: string;
  type: string;
  /** JSON */
  body: string;
  /** of the body as UTF-8 */
  bytes: number;
  atMs: number;
}

interface EventRow extends Record<string, SqlStorageValue> {
  seq: number;
  id: string;
  type: string;
  body: string;
  bytes: number;
  at: number;
}

/** The tail: full events from `floor` to `head`. It is also the outbox: nothing leaves it before its receipt. */
export class EventLog {
  readonly #sql: SqlStorage;
  head = 0;
  clock = '0';
  /** seq of the oldest event that is still here; head + 1 when there is none */
  floor = 1;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  load(): void {
    const last = this.#sql
      .exec<{ seq: number; clock: string }>(`SELECT seq, clock FROM events ORDER BY seq DESC LIMIT 1`)
      .toArray()[0];
    this.head = last?.seq ?? 0;
    this.clock = last?.clock ?? '0';
    const first = this.#sql.exec<{ seq: number }>(`SELECT seq FROM events ORDER BY seq ASC LIMIT 1`).toArray()[0];
    this.floor = first?.seq ?? this.head + 1;
  }

  append(event: Event, encoded: EncodedEvent): void {
    this.#sql.exec(
      `INSERT INTO events (seq, id, type, subject, clock, at, bytes, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      event.seq,
      event.id,
      event.type,
      event.subject,
      event.clock,
      encoded.atMs,
      encoded.bytes,
      encoded.body,
    );
    this.head = event.seq;
    this.clock = event.clock;
  }

  /** Events from `from` on, at most so many and so many bytes, but always at least one when there is one. */
  range(from: number, countMax: number, bytesMax: number, to: number = this.head): EncodedEvent[] {
    const found: EncodedEvent[] = [];
    let bytes = 0;
    const rows = this.#sql.exec<EventRow>(
      `SELECT seq, id, type, body, bytes, at FROM events WHERE seq >= ? AND seq <= ? ORDER BY seq LIMIT ?`,
      from,
      to,
      countMax,
    );
    for (const row of rows) {
      if (found.length > 0 && bytes + row.bytes > bytesMax) break;
      bytes += row.bytes;
      found.push({ seq: row.seq, id: row.id, type: row.type, body: row.body, bytes: row.bytes, atMs: row.at });
    }
    return found;
  }

  one(seq: number): Event | undefined {
    const row = this.#sql.exec<{ body: string }>(`SELECT body FROM events WHERE seq = ?`, seq).toArray()[0];
    return row === undefined ? undefined : (JSON.parse(row.body) as Event);
  }

  atMs(seq: number): number | undefined {
    return this.#sql.exec<{ at: number }>(`SELECT at FROM events WHERE seq = ?`, seq).toArray()[0]?.at;
  }

  bytesBetween(aboveSeq: number, toSeq: number): number {
    return this.#sql
      .exec<{ n: number }>(`SELECT coalesce(sum(bytes), 0) AS n FROM events WHERE seq > ? AND seq <= ?`, aboveSeq, toSeq)
      .one().n;
  }

  /** Messages created up to `toSeq` whose deletion came after `persistedSeq`: the archive may not have erased them yet. */
  deletedSubjects(persistedSeq: number, toSeq: number): string[] {
    return this.#sql
      .exec<{ id: string }>(
        `SELECT messages.id AS id FROM events JOIN messages ON messages.id = events.subject
         WHERE events.seq > ? AND events.type = 'message.deleted' AND messages.seq <= ?`,
        persistedSeq,
        toSeq,
      )
      .toArray()
      .map((row) => row.id);
  }

  /** Erases what is still here; what was trimmed is erased in the archive by its consumer. */
  erase(seqs: readonly number[]): void {
    for (const seq of seqs) {
      if (seq < this.floor) continue;
      const event = this.one(seq);
      if (event !== undefined) this.#overwrite(event);
    }
  }

  eraseAllBelow(seq: number): void {
    for (let each = this.floor; each < seq; each += 1) {
      const event = this.one(each);
      if (event !== undefined) this.#overwrite(event);
    }
  }

  /** Removes events below `below` that are older than `olderThanMs`, at most `rowsMax`. */
  trim(below: number, olderThanMs: number, rowsMax: number): number {
    const last = this.#sql
      .exec<{ seq: number | null }>(
        `SELECT max(seq) AS seq FROM (SELECT seq FROM events WHERE seq < ? AND at < ? ORDER BY seq LIMIT ?)`,
        below,
        olderThanMs,
        rowsMax,
      )
      .one().seq;
    if (last === null || last < this.floor) return 0;
    this.#sql.exec(`DELETE FROM events WHERE seq <= ?`, last);
    const removed = last - this.floor + 1;
    this.floor = last + 1;
    return removed;
  }

  #overwrite(event: Event): void {
    const body = JSON.stringify(eraseEvent(event));
    this.#sql.exec(`UPDATE events SET body = ?, bytes = ? WHERE seq = ?`, body, utf8Bytes(body), event.seq);
  }
}

export function encodeEvent(event: Event, atMs: number): EncodedEvent {
  const body = JSON.stringify(event);
  return { seq: event.seq, id: event.id, type: event.type, body, bytes: utf8Bytes(body), atMs };
}
