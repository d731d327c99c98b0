import { createClient, type ClickHouseClient, type ClickHouseClientConfigOptions } from '@clickhouse/client';
import { ANALYTICS_STEPS_MS, type Percentiles } from '../../../shared/contract/analytics.ts';
import { StoreUnavailable } from '../store-unavailable.ts';
import { CLICKHOUSE_TABLES } from './clickhouse-schema.ts';
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

/** of one statement; the runtime gives a batch 30 s */
const STATEMENT_MS_MAX = 20_000;
/** rows of one insert; a receipt of 100,000 seqs takes several */
const INSERT_ROWS_MAX = 10_000;
/** what one query may read into memory; over it it fails, and the answer is that it cannot be had */
const QUERY_BYTES_MAX = 1024 ** 3;

/** the one distinct event by its id, whatever was inserted twice and not merged yet */
const EVENTS = 'events FINAL';
/** of several receipts of a seq the earliest times */
const RECEIPTS = `(SELECT tenant, session_id, seq, min(published_at) AS published, min(persisted_at) AS persisted
  FROM receipts WHERE tenant = {tenant: String} AND persisted_at >= fromUnixTimestamp64Milli({from: Int64} - 3600000, 'UTC')
  GROUP BY tenant, session_id, seq)`;
const IN_SPAN = `tenant = {tenant: String} AND accepted_at >= fromUnixTimestamp64Milli({from: Int64}, 'UTC')
  AND accepted_at < fromUnixTimestamp64Milli({to: Int64}, 'UTC')`;
const LETTERS_IN_SPAN = IN_SPAN.replaceAll('accepted_at', 'at');

function stepOf(column: string): string {
  return `intDiv(toUnixTimestamp64Milli(${column}) - {from: Int64}, {step: Int64})`;
}

const PERCENTILES = (value: string, name: string): string =>
  `arrayMap(x -> toFloat64(x), quantilesExact(0.5, 0.95, 0.99)(${value})) AS ${name}`;

export interface ClickHouseOptions extends AnalyticsOptions {
  /** `http(s)://user:password@host:8123/database` */
  url: string;
  /** another way to an engine than HTTP */
  connection?: ClickHouseClientConfigOptions['connection'];
  /** what closing does, where the connection is others' too; absent: it closes the connection */
  close?: () => Promise<void>;
}

/** Analytics in ClickHouse. Rejects when it cannot be reached, or its tables are not there and cannot or must not be made. */
export async function openClickHouseAnalytics(options: ClickHouseOptions): Promise<AnalyticsStore> {
  const { url, writes, mayMake, connection, close } = options;
  const client = createClient({
    ...(connection === undefined ? { url } : { connection }),
    request_timeout: STATEMENT_MS_MAX,
    application: 'millrace',
    clickhouse_settings: { max_memory_usage: String(QUERY_BYTES_MAX), wait_end_of_query: 1 },
  });
  const end = close ?? (async () => await client.close());
  const store = new ClickHouseAnalytics(client, end);
  try {
    if (writes && mayMake) await store.makeTables();
    await store.health();
  } catch (error) {
    await end();
    throw error;
  }
  return store;
}

class ClickHouseAnalytics implements AnalyticsStore {
  readonly #client: ClickHouseClient;
  readonly #close: () => Promise<void>;

  constructor(client: ClickHouseClient, close: () => Promise<void>) {
    this.#client = client;
    this.#close = close;
  }

  async makeTables(): Promise<void> {
    for (const { query } of CLICKHOUSE_TABLES) await this.#client.command({ query });
  }

  async writeEvents(rows: readonly EventRow[]): Promise<void> {
    await this.#insert('events', rows.map(eventValue));
  }

  async writeReceipts(rows: readonly ReceiptRow[]): Promise<void> {
    let values: object[] = [];
    for (const { tenant, sessionId, seqs, publishedAtMs, persistedAtMs } of rows) {
      const times = { published_at: dateTime(publishedAtMs), persisted_at: dateTime(persistedAtMs) };
      for (const [from, to] of seqs) {
        for (let seq = from; seq <= to; seq += 1) {
          values.push({ tenant, session_id: sessionId, seq, ...times });
          if (values.length < INSERT_ROWS_MAX) continue;
          await this.#insert('receipts', values);
          values = [];
        }
      }
    }
    await this.#insert('receipts', values);
  }

  async writeLetters(rows: readonly LetterRow[]): Promise<void> {
    const values = rows.map(({ tenant, id, consumer, reason, atMs }) => ({ tenant, id, consumer, reason, at: dateTime(atMs) }));
    await this.#insert('letters', values);
  }

  async messages(span: Span) {
    return await this.#rows<{ step: number; messages: number }>(span, counted(`count() AS messages`, `type = 'message.created'`));
  }

  async 'active-users'(span: Span) {
    return await this.#rows<{ step: number; users: number }>(span, counted('uniqExact(actor) AS users'));
  }

  async sessions(span: Span) {
    return await this.#rows<{ step: number; created: number; active: number }>(
      span,
      counted(`countIf(type = 'session.created') AS created, uniqExact(session_id) AS active`),
    );
  }

  async latency(span: Span) {
    const took = (column: string): string =>
      `greatest(toUnixTimestamp64Milli(r.${column}) - toUnixTimestamp64Milli(e.accepted_at), 0)`;
    const rows = await this.#rows<{ step: number; events: number; publishedMs: number[]; persistedMs: number[] }>(
      span,
      `SELECT ${stepOf('e.accepted_at')} AS step, count() AS events, ${PERCENTILES(took('published'), 'publishedMs')},
              ${PERCENTILES(took('persisted'), 'persistedMs')}
       FROM (SELECT tenant, session_id, seq, accepted_at FROM ${EVENTS} WHERE ${IN_SPAN}) e
       JOIN ${RECEIPTS} r ON e.tenant = r.tenant AND e.session_id = r.session_id AND e.seq = r.seq GROUP BY step`,
    );
    return rows.map(({ publishedMs, persistedMs, ...row }) => {
      return { ...row, publishedMs: percentilesOf(publishedMs), persistedMs: percentilesOf(persistedMs) };
    });
  }

  async streams(span: Span) {
    return await this.#ends(span, 'stream');
  }

  async traces(span: Span) {
    return (await this.#ends(span, 'trace')).map(({ cancelled: _none, ...ends }) => ends);
  }

  async errors(span: Span) {
    const failed = (kind: string): string => `countIf(ended = '${kind}' AND status = 'failed')`;
    return await this.#rows<{ step: number; failedStreams: number; failedTraces: number; deadLetters: number }>(
      span,
      `SELECT step, sum(streams) AS failedStreams, sum(traces) AS failedTraces, sum(letters) AS deadLetters FROM (
         SELECT ${stepOf('accepted_at')} AS step, ${failed('stream')} AS streams, ${failed('trace')} AS traces, 0 AS letters
         FROM ${EVENTS} WHERE ${IN_SPAN} AND ended != '' GROUP BY step
         UNION ALL
         SELECT ${stepOf('at')} AS step, 0, 0, count() FROM letters FINAL WHERE ${LETTERS_IN_SPAN} GROUP BY step
       ) GROUP BY step`,
    );
  }

  async 'dead-letters'(span: Span) {
    return await this.#rows<{ step: number; consumer: string; reason: string; letters: number }>(
      span,
      `SELECT ${stepOf('at')} AS step, consumer, reason, count() AS letters FROM letters FINAL
       WHERE ${LETTERS_IN_SPAN} GROUP BY step, consumer, reason`,
    );
  }

  async heldEvents({ tenant, sessionId }: { tenant: string; sessionId: string }, from: number, to: number): Promise<HeldEvent[]> {
    const result = await this.#client.query({
      query: `SELECT DISTINCT seq, event_id AS eventId, type FROM events WHERE tenant = {tenant: String}
              AND session_id = {sessionId: String} AND seq BETWEEN {from: UInt32} AND {to: UInt32} ORDER BY seq, eventId`,
      query_params: { tenant, sessionId, from, to },
      format: 'JSONEachRow',
    });
    return await result.json<HeldEvent>();
  }

  async health(): Promise<void> {
    const result = await this.#client.query({
      query: `SELECT count() AS tables FROM system.tables WHERE database = currentDatabase() AND name IN {names: Array(String)}`,
      query_params: { names: CLICKHOUSE_TABLES.map(({ name }) => name) },
      format: 'JSONEachRow',
    });
    const [row] = await result.json<{ tables: string | number }>();
    if (Number(row?.tables) < CLICKHOUSE_TABLES.length) throw new TablesGone();
  }

  async close(): Promise<void> {
    await this.#close();
  }

  async #ends(span: Span, kind: string): Promise<({ step: number; cancelled: number } & Ends)[]> {
    const rows = await this.#rows<{ step: number; durations: number[] } & Record<'completed' | 'cancelled' | 'failed', number>>(
      span,
      counted(
        `countIf(status = 'completed') AS completed, countIf(status = 'cancelled') AS cancelled,
         countIf(status = 'failed') AS failed, ${PERCENTILES('duration_ms', 'durations')}`,
        `ended = '${kind}'`,
      ),
    );
    return rows.map(({ durations, ...ends }) => ({ ...ends, durationMs: percentilesOf(durations) }));
  }

  async #rows<Row>({ tenant, fromMs, step, points }: Span, query: string): Promise<Row[]> {
    const stepMs = ANALYTICS_STEPS_MS[step];
    const result = await this.#client.query({
      query,
      query_params: { tenant, from: fromMs, to: fromMs + points * stepMs, step: stepMs },
      format: 'JSONEachRow',
      // counts fit: as numbers and not as the strings that 64 bits become
      clickhouse_settings: { output_format_json_quote_64bit_integers: 0 },
    });
    // shaped by the columns that the query names
    return await result.json<Row>();
  }

  /** Every value was made by this program and fits its column: what fails is the store. */
  async #insert(table: string, values: readonly object[]): Promise<void> {
    if (values.length === 0) return;
    try {
      await this.#client.insert({ table, values, format: 'JSONEachRow' });
    } catch (error) {
      throw await this.#faultOf(error);
    }
  }

  /** Tables that were dropped look like any other failure. */
  async #faultOf(error: unknown): Promise<StoreUnavailable> {
    try {
      await this.health();
    } catch (why) {
      if (why instanceof TablesGone) return why;
    }
    return new StoreUnavailable(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function counted(figures: string, where = 'TRUE'): string {
  return `SELECT ${stepOf('accepted_at')} AS step, ${figures} FROM ${EVENTS} WHERE ${IN_SPAN} AND ${where} GROUP BY step`;
}

function percentilesOf([p50 = 0, p95 = 0, p99 = 0]: readonly number[]): Percentiles {
  return { p50, p95, p99 };
}

/** A row of `events` as JSONEachRow has it. */
export function eventValue({ tenant, eventId, sessionId, seq, type, actor, actorKind, acceptedAtMs, ended }: EventRow): object {
  return {
    tenant,
    event_id: eventId,
    session_id: sessionId,
    seq,
    type,
    actor,
    actor_kind: actorKind,
    accepted_at: dateTime(acceptedAtMs),
    ended: ended?.kind ?? '',
    status: ended?.status ?? '',
    duration_ms: ended?.durationMs ?? 0,
    says_end: ended === undefined ? 0 : 1,
  };
}

/** As ClickHouse reads a DateTime64 without being told a format. */
function dateTime(ms: number): string {
  return new Date(ms).toISOString().slice(0, 23).replace('T', ' ');
}
