import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { ANALYTICS_STEPS_MS, type Percentiles } from '../../../shared/contract/analytics.ts';
import { asStoreFault } from '../sqlite-faults.ts';
import { inTransaction } from '../sqlite-transaction.ts';
import {
  TablesGone,
  type AnalyticsOptions,
  type AnalyticsStore,
  type Ends,
  type EventRow,
  type HeldEvent,
  type LetterRow,
  type ReceiptRow,
  type Span,
} from './port.ts';

/** another process holds the write lock for the length of one batch; after this the batch fails and is tried again */
const BUSY_MS_MAX = 5_000;
const VERSION = 1;

const SCHEMA = [
  `CREATE TABLE events (
     tenant TEXT NOT NULL, event_id TEXT NOT NULL, session_id TEXT NOT NULL, seq INTEGER NOT NULL, type TEXT NOT NULL,
     actor TEXT NOT NULL, actor_kind TEXT NOT NULL, accepted_at INTEGER NOT NULL, ended TEXT, status TEXT, duration_ms INTEGER,
     PRIMARY KEY (tenant, event_id)) WITHOUT ROWID`,
  `CREATE INDEX events_by_time ON events (tenant, accepted_at)`,
  `CREATE INDEX events_by_seq ON events (tenant, session_id, seq)`,
  `CREATE TABLE receipts (
     tenant TEXT NOT NULL, session_id TEXT NOT NULL, seq INTEGER NOT NULL, published_at INTEGER NOT NULL,
     persisted_at INTEGER NOT NULL, PRIMARY KEY (tenant, session_id, seq)) WITHOUT ROWID`,
  `CREATE TABLE letters (
     tenant TEXT NOT NULL, id TEXT NOT NULL, consumer TEXT NOT NULL, reason TEXT NOT NULL, at INTEGER NOT NULL,
     PRIMARY KEY (tenant, id)) WITHOUT ROWID`,
  `CREATE INDEX letters_by_time ON letters (tenant, at)`,
  `CREATE TABLE probes (id INTEGER PRIMARY KEY, at INTEGER NOT NULL)`,
];

/** An event never changes but by its erasure, after which nobody knows how it ended: whoever knew is believed. */
export const PUT_EVENT_SQL = `INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
  ended = excluded.ended, status = excluded.status, duration_ms = excluded.duration_ms
  WHERE ended IS NULL AND excluded.ended IS NOT NULL`;

/** What PUT_EVENT_SQL is run with. */
export function eventParameters(row: EventRow): SQLInputValue[] {
  const { tenant, eventId, sessionId, seq, type, actor, actorKind, acceptedAtMs, ended } = row;
  const end = [ended?.kind ?? null, ended?.status ?? null, ended?.durationMs ?? null];
  return [tenant, eventId, sessionId, seq, type, actor, actorKind, acceptedAtMs, ...end];
}

type Row = Record<string, unknown>;

/**
 * The embedded analytics store: one SQLite file, several processes. Throws when the file cannot be opened or is of a newer
 * program, and with TablesGone where there is none and none may be made.
 */
export function openSqliteAnalytics({ path, writes, mayMake }: AnalyticsOptions & { path: string }): AnalyticsStore {
  if (!mayMake && !existsSync(path)) throw new TablesGone();
  mkdirSync(dirname(path), { recursive: true });
  const database = new DatabaseSync(path, { timeout: BUSY_MS_MAX });
  try {
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
    migrate(database, mayMake);
  } catch (error) {
    database.close();
    throw error;
  }
  return new SqliteAnalytics(database, writes);
}

function migrate(database: DatabaseSync, mayMake: boolean): void {
  inTransaction(database, () => {
    const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
    if (version > VERSION) throw new Error('the analytics store was made by a newer version of this program');
    if (version === 0 && !mayMake) throw new TablesGone();
    if (version === 0) for (const statement of SCHEMA) database.exec(statement);
    database.exec(`PRAGMA user_version = ${VERSION}`);
  });
}

class SqliteAnalytics implements AnalyticsStore {
  readonly #database: DatabaseSync;
  readonly #writes: boolean;
  readonly #statements = new Map<string, StatementSync>();

  constructor(database: DatabaseSync, writes: boolean) {
    this.#database = database;
    this.#writes = writes;
  }

  async writeEvents(rows: readonly EventRow[]): Promise<void> {
    const put = this.#prepare(PUT_EVENT_SQL);
    this.#transaction(() => {
      for (const row of rows) put.run(...eventParameters(row));
    });
    return await Promise.resolve();
  }

  async writeReceipts(rows: readonly ReceiptRow[]): Promise<void> {
    const put = this.#prepare(
      `INSERT INTO receipts VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
         published_at = min(published_at, excluded.published_at), persisted_at = min(persisted_at, excluded.persisted_at)`,
    );
    this.#transaction(() => {
      for (const { tenant, sessionId, seqs, publishedAtMs, persistedAtMs } of rows) {
        for (const [from, to] of seqs) {
          for (let seq = from; seq <= to; seq += 1) put.run(tenant, sessionId, seq, publishedAtMs, persistedAtMs);
        }
      }
    });
    return await Promise.resolve();
  }

  async writeLetters(rows: readonly LetterRow[]): Promise<void> {
    const put = this.#prepare('INSERT OR IGNORE INTO letters VALUES (?, ?, ?, ?, ?)');
    this.#transaction(() => {
      for (const { tenant, id, consumer, reason, atMs } of rows) put.run(tenant, id, consumer, reason, atMs);
    });
    return await Promise.resolve();
  }

  async messages(span: Span) {
    const rows = this.#counted(span, `count(*) AS messages`, `type = 'message.created'`);
    return await Promise.resolve(rows.map((row) => ({ step: numberOf(row, 'step'), messages: numberOf(row, 'messages') })));
  }

  async 'active-users'(span: Span) {
    const rows = this.#counted(span, `count(DISTINCT actor) AS users`);
    return await Promise.resolve(rows.map((row) => ({ step: numberOf(row, 'step'), users: numberOf(row, 'users') })));
  }

  async sessions(span: Span) {
    const rows = this.#counted(span, `sum(type = 'session.created') AS created, count(DISTINCT session_id) AS active`);
    return await Promise.resolve(
      rows.map((row) => ({ step: numberOf(row, 'step'), created: numberOf(row, 'created'), active: numberOf(row, 'active') })),
    );
  }

  async latency(span: Span) {
    const { tenant, fromMs, stepMs, toMs } = boundsOf(span);
    const rows = this.#prepare(
      `SELECT (e.accepted_at - ?) / ? AS step, max(r.published_at - e.accepted_at, 0) AS published,
              max(r.persisted_at - e.accepted_at, 0) AS persisted
       FROM events e JOIN receipts r USING (tenant, session_id, seq)
       WHERE e.tenant = ? AND e.accepted_at >= ? AND e.accepted_at < ?`,
    ).iterate(fromMs, stepMs, tenant, fromMs, toMs);
    const steps = new Map<number, { published: number[]; persisted: number[] }>();
    for (const row of rows) {
      const step = steps.get(numberOf(row, 'step')) ?? { published: [], persisted: [] };
      step.published.push(numberOf(row, 'published'));
      step.persisted.push(numberOf(row, 'persisted'));
      steps.set(numberOf(row, 'step'), step);
    }
    return await Promise.resolve(
      [...steps].map(([step, { published, persisted }]) => ({
        step,
        events: published.length,
        publishedMs: percentilesOf(published),
        persistedMs: percentilesOf(persisted),
      })),
    );
  }

  async streams(span: Span) {
    return await Promise.resolve(this.#ends(span, 'stream'));
  }

  async traces(span: Span) {
    return await Promise.resolve(this.#ends(span, 'trace').map(({ cancelled: _none, ...ends }) => ends));
  }

  async errors(span: Span) {
    const { tenant, fromMs, stepMs, toMs } = boundsOf(span);
    const failed = (kind: string): string => `sum(ended = '${kind}' AND status = 'failed')`;
    const rows = this.#prepare(
      `SELECT step, sum(streams) AS streams, sum(traces) AS traces, sum(letters) AS letters FROM (
         SELECT (accepted_at - ?1) / ?2 AS step, ${failed('stream')} AS streams, ${failed('trace')} AS traces, 0 AS letters
         FROM events WHERE tenant = ?3 AND accepted_at >= ?1 AND accepted_at < ?4 AND ended IS NOT NULL GROUP BY step
         UNION ALL
         SELECT (at - ?1) / ?2 AS step, 0, 0, count(*) FROM letters WHERE tenant = ?3 AND at >= ?1 AND at < ?4 GROUP BY step
       ) GROUP BY step`,
    ).all(fromMs, stepMs, tenant, toMs);
    return await Promise.resolve(
      rows.map((row) => ({
        step: numberOf(row, 'step'),
        failedStreams: numberOf(row, 'streams'),
        failedTraces: numberOf(row, 'traces'),
        deadLetters: numberOf(row, 'letters'),
      })),
    );
  }

  async 'dead-letters'(span: Span) {
    const { tenant, fromMs, stepMs, toMs } = boundsOf(span);
    const rows = this.#prepare(
      `SELECT (at - ?1) / ?2 AS step, consumer, reason, count(*) AS letters FROM letters
       WHERE tenant = ?3 AND at >= ?1 AND at < ?4 GROUP BY step, consumer, reason`,
    ).all(fromMs, stepMs, tenant, toMs);
    return await Promise.resolve(
      rows.map((row) => ({
        step: numberOf(row, 'step'),
        consumer: String(row['consumer']),
        reason: String(row['reason']),
        letters: numberOf(row, 'letters'),
      })),
    );
  }

  async heldEvents(session: { tenant: string; sessionId: string }, from: number, to: number): Promise<HeldEvent[]> {
    const rows = this.#prepare(
      `SELECT seq, event_id, type FROM events WHERE tenant = ? AND session_id = ? AND seq BETWEEN ? AND ? ORDER BY seq, event_id`,
    ).all(session.tenant, session.sessionId, from, to);
    // the column holds nothing but types of events
    const typeOf = (row: Row): HeldEvent['type'] => row['type'] as HeldEvent['type'];
    return await Promise.resolve(
      rows.map((row) => ({ seq: numberOf(row, 'seq'), eventId: String(row['event_id']), type: typeOf(row) })),
    );
  }

  async health(): Promise<void> {
    if (this.#writes) this.#prepare('INSERT OR REPLACE INTO probes VALUES (1, ?)').run(Date.now());
    else this.#prepare('SELECT at FROM probes WHERE id = 1').get();
    return await Promise.resolve();
  }

  async close(): Promise<void> {
    this.#database.close();
    return await Promise.resolve();
  }

  /** Rows of the steps in which there is anything. */
  #counted(span: Span, figures: string, where = 'TRUE'): Row[] {
    const { tenant, fromMs, stepMs, toMs } = boundsOf(span);
    return this.#prepare(
      `SELECT (accepted_at - ?1) / ?2 AS step, ${figures} FROM events
       WHERE tenant = ?3 AND accepted_at >= ?1 AND accepted_at < ?4 AND ${where} GROUP BY step`,
    ).all(fromMs, stepMs, tenant, toMs);
  }

  #ends(span: Span, kind: string): ({ step: number; cancelled: number } & Ends)[] {
    const { tenant, fromMs, stepMs, toMs } = boundsOf(span);
    const rows = this.#prepare(
      `SELECT (accepted_at - ?1) / ?2 AS step, status, duration_ms FROM events
       WHERE tenant = ?3 AND accepted_at >= ?1 AND accepted_at < ?4 AND ended = ?5`,
    ).iterate(fromMs, stepMs, tenant, toMs, kind);
    const steps = new Map<number, { status: string; durationMs: number }[]>();
    for (const row of rows) {
      const step = steps.get(numberOf(row, 'step')) ?? [];
      step.push({ status: String(row['status']), durationMs: numberOf(row, 'duration_ms') });
      steps.set(numberOf(row, 'step'), step);
    }
    const countOf = (ends: { status: string }[], status: string): number => ends.filter((end) => end.status === status).length;
    return [...steps].map(([step, ends]) => ({
      step,
      completed: countOf(ends, 'completed'),
      cancelled: countOf(ends, 'cancelled'),
      failed: countOf(ends, 'failed'),
      durationMs: percentilesOf(ends.map(({ durationMs }) => durationMs)),
    }));
  }

  #transaction(section: () => void): void {
    try {
      inTransaction(this.#database, section);
    } catch (error) {
      throw asStoreFault(error);
    }
  }

  #prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const made = this.#database.prepare(sql);
    this.#statements.set(sql, made);
    return made;
  }
}

interface Bounds {
  tenant: string;
  fromMs: bigint;
  stepMs: bigint;
  toMs: bigint;
}

/** As bigint: a number is bound as a floating one, which SQLite does not divide to a whole. */
function boundsOf({ tenant, fromMs, step, points }: Span): Bounds {
  const stepMs = ANALYTICS_STEPS_MS[step];
  return { tenant, fromMs: BigInt(fromMs), stepMs: BigInt(stepMs), toMs: BigInt(fromMs + points * stepMs) };
}

function numberOf(row: Row, column: string): number {
  return Number(row[column]);
}

/** Of at least one value: the one at floor(level × n) of n in rising order, as ClickHouse's quantileExact has it. */
function percentilesOf(values: readonly number[]): Percentiles {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (level: number): number => sorted[Math.min(Math.floor(level * sorted.length), sorted.length - 1)] ?? 0;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}
