import type { Receipt } from '../../shared/contract/internal.ts';
import { COMMAND_RECORD_MS, TRIM_ROWS_MAX } from '../../shared/core/limits.ts';
import { addRanges, contiguous, missingRanges, seqsOf, type SeqRange } from '../../shared/core/seq-ranges.ts';

/** How far one event has come. Times are epoch milliseconds. */
export interface Progress {
  publishedAt?: number;
  persistedAt?: number;
  failure?: { code: string; detail: string; consumer: string; at: number };
}

/** That JetStream acknowledged an event, and from which of its sequences on the event may be. */
export interface Publication {
  atMs: number;
  streamSeq?: number;
}

interface RangeRow extends Record<string, SqlStorageValue> {
  from_seq: number;
  to_seq: number;
  at: number;
}

/**
 * What was published and persisted, as ranges of seqs with their times (design decision 3). `sent` is a watermark,
 * for the outbox publishes in order; receipts come in any order, hence `persisted` and the ranges above it.
 */
export class ProgressLog {
  readonly #sql: SqlStorage;
  /** every event up to here was acknowledged by JetStream */
  sent = 0;
  /** every event up to here has a receipt */
  persisted = 0;
  #above: SeqRange[] = [];
  /** the mark at the last compaction, which is older than any age a trim waits for */
  #settledMark = 0;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  load(): void {
    const sent = this.#sql
      .exec<{ n: number }>(`SELECT to_seq AS n FROM publications ORDER BY from_seq DESC LIMIT 1`)
      .toArray()[0]?.n;
    const base = this.#sql.exec<{ value: string }>(`SELECT value FROM meta WHERE key = 'persisted'`).toArray()[0];
    const mark = Number(base?.value ?? 0);
    const ranges = this.#sql
      .exec<RangeRow>(
        `SELECT from_seq, to_seq, 0 AS at FROM receipts
         WHERE from_seq >= coalesce((SELECT max(from_seq) FROM receipts WHERE from_seq <= ?), 0) ORDER BY from_seq`,
        mark + 1,
      )
      .toArray()
      .map((row): SeqRange => [row.from_seq, row.to_seq]);
    this.#settledMark = mark;
    const joined = contiguous(mark, addRanges([], ranges));
    this.persisted = joined.mark;
    this.#above = joined.above;
    // a receipt is proof of publication too: its PubAck may have been overtaken
    this.sent = Math.max(sent ?? 0, this.persisted);
  }

  /** `streamSeq`: the lowest sequence that the stream gave to any of them, where it is known. */
  recordSent(to: number, atMs: number, streamSeq?: number): void {
    if (to <= this.sent) return;
    this.#sql.exec(
      `INSERT OR REPLACE INTO publications (from_seq, to_seq, at, stream_seq) VALUES (?, ?, ?, ?)`,
      this.sent + 1,
      to,
      atMs,
      streamSeq ?? null,
    );
    this.sent = to;
  }

  /** Of events from…to, by seq: their first publication. One that only a receipt told of has none. */
  publications(from: number, to: number): ReadonlyMap<number, Publication> {
    const rows = this.#sql.exec<{ from_seq: number; to_seq: number; at: number; stream_seq: number | null }>(
      `SELECT from_seq, to_seq, at, stream_seq FROM publications
       WHERE from_seq <= ? AND from_seq >= coalesce((SELECT max(from_seq) FROM publications WHERE from_seq <= ?), 0)`,
      to,
      from,
    );
    const found = new Map<number, Publication>();
    for (const { from_seq: first, to_seq: last, at: atMs, stream_seq: streamSeq } of rows) {
      const publication = streamSeq === null ? { atMs } : { atMs, streamSeq };
      for (const seq of seqsOf([Math.max(from, first), Math.min(to, last)])) found.set(seq, publication);
    }
    return found;
  }

  /** Takes a receipt for seqs up to `head`, in any order and any number of times. Returns true when something was new. */
  recordReceipt(
    receipt: Pick<Receipt, 'seqs' | 'publishedAt' | 'persistedAt' | 'failures'>,
    head: number,
    nowMs: number,
  ): boolean {
    const added: SeqRange[] = [];
    for (const [from, to] of receipt.seqs) {
      if (from > to) continue;
      added.push(...missingRanges(Math.max(from, this.persisted + 1), Math.min(to, head), this.#above));
    }
    this.#settleFailures(receipt, head);
    for (const [from, to] of addRanges([], added)) {
      this.#sql.exec(
        `INSERT OR REPLACE INTO receipts (from_seq, to_seq, published_at, persisted_at, taken_at) VALUES (?, ?, ?, ?, ?)`,
        from,
        to,
        receipt.publishedAt,
        receipt.persistedAt,
        nowMs,
      );
    }
    const joined = contiguous(this.persisted, addRanges(this.#above, added));
    this.persisted = joined.mark;
    this.#above = joined.above;
    // an event with a receipt was published, whatever became of its PubAck: it must not be sent for ever
    this.sent = Math.max(this.sent, this.persisted);
    return added.length > 0;
  }

  /** Up to where everything has had its receipt since `beforeMs` or longer. */
  persistedBefore(beforeMs: number): number {
    const row = this.#sql
      .exec<{ n: number }>(
        `SELECT to_seq AS n FROM receipts WHERE from_seq <= ? AND taken_at <= ? ORDER BY from_seq DESC LIMIT 1`,
        this.persisted,
        beforeMs,
      )
      .toArray()[0];
    return Math.max(this.#settledMark, row?.n ?? 0);
  }

  /** Up to where the archive has everything: dead letters have a receipt and yet are not in it. */
  archived(): number {
    return Math.min(this.persisted, (this.oldestFailure() ?? Number.MAX_SAFE_INTEGER) - 1);
  }

  /** What of from…to has no receipt; by default from the mark on. */
  unpersisted(to: number, from = 1): SeqRange[] {
    return missingRanges(Math.max(from, this.persisted + 1), to, this.#above);
  }

  of(seq: number): Progress {
    const publication = this.#covering(`publications`, `at`, seq);
    const receipt = this.#covering(`receipts`, `persisted_at`, seq);
    const published = this.#covering(`receipts`, `published_at`, seq);
    const failure = this.#sql
      .exec<{ code: string; detail: string; consumer: string; at: number }>(
        `SELECT code, detail, consumer, at FROM failures WHERE seq = ?`,
        seq,
      )
      .toArray()[0];
    const publishedAt = publication ?? published;
    return {
      ...(publishedAt === undefined ? {} : { publishedAt }),
      ...(receipt === undefined ? {} : { persistedAt: receipt }),
      ...(failure === undefined ? {} : { failure }),
    };
  }

  /** Keeps a mark for the next start and drops ranges older than any status. Call inside a transaction. */
  compact(settledMark: number, nowMs: number): void {
    this.#sql.exec(`INSERT OR REPLACE INTO meta (key, value) VALUES ('persisted', ?)`, String(settledMark));
    this.#settledMark = settledMark;
    const before = nowMs - COMMAND_RECORD_MS;
    this.#sql.exec(
      `DELETE FROM receipts WHERE from_seq IN
         (SELECT from_seq FROM receipts WHERE to_seq <= ? AND persisted_at < ? ORDER BY from_seq LIMIT ?)`,
      settledMark,
      before,
      TRIM_ROWS_MAX,
    );
    this.#sql.exec(`DELETE FROM republications WHERE to_seq <= ?`, settledMark);
    // the last publication stays: it is the watermark
    this.#sql.exec(
      `DELETE FROM publications WHERE from_seq IN
         (SELECT from_seq FROM publications WHERE to_seq < ? AND at < ? ORDER BY from_seq LIMIT ?)`,
      this.sent,
      before,
      TRIM_ROWS_MAX,
    );
  }

  /** A plain receipt mends a failure (redrive); a failure that comes again after a receipt is an echo and is dropped. */
  #settleFailures(receipt: Pick<Receipt, 'seqs' | 'publishedAt' | 'persistedAt' | 'failures'>, head: number): void {
    const failures = (receipt.failures ?? []).filter((failure) => failure.seq <= head);
    const failed = new Set(failures.map((failure) => failure.seq));
    const known = this.#sql.exec<{ seq: number }>(`SELECT seq FROM failures`).toArray();
    for (const { seq } of known) {
      const mended = !failed.has(seq) && receipt.seqs.some(([from, to]) => from <= seq && seq <= to);
      if (mended) this.#mend(seq, receipt);
    }
    for (const failure of failures) if (!this.holds(failure.seq)) this.#recordFailure(failure);
  }

  /** It was persisted now, not when it failed. The range that holds it is split: its neighbours keep their times. */
  #mend(seq: number, { publishedAt, persistedAt }: Pick<Receipt, 'publishedAt' | 'persistedAt'>): void {
    this.#sql.exec(`DELETE FROM failures WHERE seq = ?`, seq);
    const row = this.#sql
      .exec<{ from_seq: number; to_seq: number; published_at: number; persisted_at: number; taken_at: number }>(
        `SELECT * FROM receipts WHERE from_seq <= ? ORDER BY from_seq DESC LIMIT 1`,
        seq,
      )
      .toArray()[0];
    if (row === undefined || row.to_seq < seq) return;
    const { from_seq: from, to_seq: to, published_at: published, persisted_at: persisted, taken_at: taken } = row;
    const parts = [
      [from, seq - 1, published, persisted],
      [seq, seq, publishedAt, persistedAt],
      [seq + 1, to, published, persisted],
    ] as const;
    for (const [first, last, ...times] of parts) {
      if (first > last) continue;
      this.#sql.exec(
        `INSERT OR REPLACE INTO receipts (from_seq, to_seq, published_at, persisted_at, taken_at) VALUES (?, ?, ?, ?, ?)`,
        first,
        last,
        ...times,
        taken,
      );
    }
  }

  /** The oldest dead-lettered event: it and all after it stay in the tail until it is redriven, for no archive has it. */
  oldestFailure(): number | undefined {
    return this.#sql.exec<{ n: number | null }>(`SELECT min(seq) AS n FROM failures`).one().n ?? undefined;
  }

  /** Dead letters, the oldest first. */
  failures(countMax: number): { seq: number; consumer: string; code: string }[] {
    return this.#sql
      .exec<{ seq: number; consumer: string; code: string }>(
        `SELECT seq, consumer, code FROM failures ORDER BY seq LIMIT ?`,
        countMax,
      )
      .toArray();
  }

  /** Has it a receipt? */
  holds(seq: number): boolean {
    return seq <= this.persisted || this.#above.some(([from, to]) => from <= seq && seq <= to);
  }

  #recordFailure(failure: NonNullable<Receipt['failures']>[number]): void {
    this.#sql.exec(
      `INSERT OR IGNORE INTO failures (seq, code, detail, consumer, at) VALUES (?, ?, ?, ?, ?)`,
      failure.seq,
      failure.code,
      failure.detail,
      failure.consumer,
      failure.at,
    );
  }

  #covering(table: 'publications' | 'receipts', column: string, seq: number): number | undefined {
    const row = this.#sql
      .exec<RangeRow>(
        `SELECT from_seq, to_seq, ${column} AS at FROM ${table} WHERE from_seq <= ? ORDER BY from_seq DESC LIMIT 1`,
        seq,
      )
      .toArray()[0];
    return row !== undefined && row.to_seq >= seq ? row.at : undefined;
  }
}
