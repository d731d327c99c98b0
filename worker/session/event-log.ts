import { EVENT_VERSIONS, type EventVersions } from '../../shared/core/event.ts';
import { digestOf } from '../../shared/core/event-digest.ts';
import { rangesOf } from '../../shared/core/seq-ranges.ts';
import { utf8Bytes } from '../../shared/core/text.ts';
import type { Event, EventType } from '../../shared/core/types.ts';
import { DigestLog } from './digest-log.ts';

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
  /** of the events below `floor` */
  readonly digests: DigestLog;
  readonly #sql: SqlStorage;
  readonly #raise: EventVersions['raise'];
  head = 0;
  clock = '0';
  /** seq of the oldest event that is still here; head + 1 when there is none */
  floor = 1;
  #freed: { seq: number; bytes: number }[] = [];

  constructor(sql: SqlStorage, { raise }: Pick<EventVersions, 'raise'> = EVENT_VERSIONS) {
    this.#sql = sql;
    this.#raise = raise;
    this.digests = new DigestLog(sql);
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

  /** In the newest version of its type: for whoever looks into it. `range` has them as they were committed. */
  one(seq: number): Event | undefined {
    const row = this.#sql.exec<{ body: string }>(`SELECT body FROM events WHERE seq = ?`, seq).toArray()[0];
    return row === undefined ? undefined : this.#raise(JSON.parse(row.body) as Event);
  }

  atMs(seq: number): number | undefined {
    return this.#sql.exec<{ at: number }>(`SELECT at FROM events WHERE seq = ?`, seq).toArray()[0]?.at;
  }

  /** The events of these seqs, in order, as JetStream knows them. */
  ids(seqs: readonly number[]): { seq: number; id: string }[] {
    return rangesOf(seqs).flatMap(([from, to]) =>
      this.#sql.exec<{ seq: number; id: string }>(`SELECT seq, id FROM events WHERE seq >= ? AND seq <= ?`, from, to).toArray(),
    );
  }

  /** Sums of bytes for any range above `aboveSeq`, from one scan. */
  byteSums(aboveSeq: number): (above: number, to: number) => number {
    const sums = [0];
    const rows = this.#sql.exec<{ bytes: number }>(`SELECT bytes FROM events WHERE seq > ? ORDER BY seq`, aboveSeq);
    for (const { bytes } of rows) sums.push((sums.at(-1) ?? 0) + bytes);
    const first = Math.max(aboveSeq, this.floor - 1);
    const upTo = (seq: number): number => sums[Math.min(Math.max(seq - first, 0), sums.length - 1)] ?? 0;
    return (above, to) => upTo(to) - upTo(above);
  }

  bytesBetween(aboveSeq: number, toSeq: number): number {
    return this.#sql
      .exec<{ n: number }>(`SELECT coalesce(sum(bytes), 0) AS n FROM events WHERE seq > ? AND seq <= ?`, aboveSeq, toSeq)
      .one().n;
  }

  /** Messages created up to `toSeq` whose deletion came after `persistedSeq`: the archive may not have erased them yet. */
  deletedMessages(persistedSeq: number, toSeq: number): string[] {
    return this.#erasedBy('message.deleted', 'messages', persistedSeq, toSeq);
  }

  /** The same of traces and their purges. */
  purgedTraces(persistedSeq: number, toSeq: number): string[] {
    return this.#erasedBy('trace.purged', 'traces', persistedSeq, toSeq);
  }

  /** Erases what is still here; what was trimmed is erased in the archive by its consumer, and remembered as erased. */
  erase(seqs: readonly number[]): void {
    const trimmed = seqs.filter((seq) => seq < this.floor);
    if (trimmed.length > 0) this.digests.erase(trimmed);
    for (const [from, to] of rangesOf(seqs.filter((seq) => seq >= this.floor))) this.#erase(from, to);
  }

  /** What was trimmed is not touched: it may be a million events, and that all is erased is said by their deletion at the head. */
  eraseAllBelow(seq: number): void {
    this.#erase(this.floor, seq - 1);
  }

  /** Bytes that erasures since the last call freed of events above `aboveSeq`. */
  takeFreedBytes(aboveSeq: number): number {
    const freed = this.#freed;
    this.#freed = [];
    return freed.reduce((sum, { seq, bytes }) => (seq > aboveSeq ? sum + bytes : sum), 0);
  }

  /** Removes events below `below`, at most so many and so many bytes, and keeps their digests. Call inside a transaction. */
  trim(below: number, bounds: { rowsMax: number; bytesMax: number }, sha256: (text: string) => string): void {
    const going = this.range(this.floor, bounds.rowsMax, bounds.bytesMax, below - 1);
    const last = going.at(-1);
    if (last === undefined) return;
    const digests = going.map(({ body }) => digestOf(JSON.parse(body) as Event, sha256));
    this.digests.keep(this.floor, digests);
    this.#sql.exec(`DELETE FROM events WHERE seq <= ?`, last.seq);
    this.floor = last.seq + 1;
  }

  /** Forgets what was loaded: the tables are gone again. */
  reset(): void {
    this.#freed = [];
    this.head = 0;
    this.clock = '0';
    this.floor = 1;
  }

  #erasedBy(type: EventType, table: 'messages' | 'traces', persistedSeq: number, toSeq: number): string[] {
    return this.#sql
      .exec<{ id: string }>(
        `SELECT ${table}.id AS id FROM events JOIN ${table} ON ${table}.id = events.subject
         WHERE events.seq > ? AND events.type = ? AND ${table}.seq <= ?`,
        persistedSeq,
        type,
        toSeq,
      )
      .toArray()
      .map((row) => row.id);
  }

  /** `data` becomes what eraseEvent in the core makes of it, in SQL: a session may have a hundred thousand to erase at once. */
  #erase(from: number, to: number): void {
    this.#sql.exec(
      `UPDATE events SET body = json_set(body, '$.data', json_object('id', subject, 'erased', json('true')))
       WHERE seq >= ? AND seq <= ?`,
      from,
      to,
    );
    const before = this.#sql.exec<{ seq: number; bytes: number }>(
      `SELECT seq, bytes FROM events WHERE seq >= ? AND seq <= ?`,
      from,
      to,
    );
    for (const { seq, bytes } of before.toArray()) this.#freed.push({ seq, bytes });
    const after = this.#sql.exec<{ seq: number; bytes: number }>(
      `UPDATE events SET bytes = length(CAST(body AS BLOB)) WHERE seq >= ? AND seq <= ? RETURNING seq, bytes`,
      from,
      to,
    );
    for (const { seq, bytes } of after) this.#freed.push({ seq, bytes: -bytes });
  }
}

export function encodeEvent(event: Event, atMs: number): EncodedEvent {
  const body = JSON.stringify(event);
  return { seq: event.seq, id: event.id, type: event.type, body, bytes: utf8Bytes(body), atMs };
}
