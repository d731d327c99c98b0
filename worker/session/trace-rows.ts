import type { SpanField, SpanPart, SpanRecord, TraceRecord, TraceStatus } from '../../shared/core/trace.ts';
import type { ActorKind } from '../../shared/core/types.ts';

interface TraceRow extends Record<string, SqlStorageValue> {
  seq: number;
  id: string;
  name: string;
  status: string;
  author: string;
  author_kind: string;
  author_name: string | null;
  started_at: number;
  finished_seq: number | null;
  finished_at: number | null;
  error: string | null;
  purged_at: number | null;
  span_updates: number;
  metadata_bytes: number;
}

interface SpanRow extends Record<string, SqlStorageValue> {
  trace_seq: number;
  span_id: string;
  seq: number;
  ordinal: number;
  parts: string;
  updated_seqs: string | null;
}

/** A part in the row: seq, bytes, fields. */
type PartRow = readonly [number, number, SpanField[]];

/** The index of a session's traces and their spans. Bodies live in events and in the archive. */
export class TraceRows {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  trace(id: string): TraceRecord | undefined {
    const row = this.#sql.exec<TraceRow>(`SELECT * FROM traces WHERE id = ?`, id).toArray()[0];
    return row === undefined ? undefined : traceOf(row);
  }

  /** Newest first; purged ones are left out. */
  below(seq: number, limit: number): TraceRecord[] {
    return this.#sql
      .exec<TraceRow>(`SELECT * FROM traces WHERE seq < ? AND purged_at IS NULL ORDER BY seq DESC LIMIT ?`, seq, limit)
      .toArray()
      .map(traceOf);
  }

  span(traceSeq: number, spanId: string): SpanRecord | undefined {
    const row = this.#sql.exec<SpanRow>(`SELECT * FROM spans WHERE trace_seq = ? AND span_id = ?`, traceSeq, spanId).toArray()[0];
    return row === undefined ? undefined : spanOf(row);
  }

  /** In the order in which they first came. */
  spansAbove(traceSeq: number, seq: number, limit: number): SpanRecord[] {
    return this.#sql
      .exec<SpanRow>(`SELECT * FROM spans WHERE trace_seq = ? AND seq > ? ORDER BY seq LIMIT ?`, traceSeq, seq, limit)
      .toArray()
      .map(spanOf);
  }

  /** Without a count: the last span knows its ordinal. */
  spanCount(traceSeq: number): number {
    const last = this.#sql
      .exec<{ ordinal: number }>(`SELECT ordinal FROM spans WHERE trace_seq = ? ORDER BY seq DESC LIMIT 1`, traceSeq)
      .toArray()[0];
    return last?.ordinal ?? 0;
  }

  spanSeqs(traceSeq: number): { firsts: number[]; updates: number[] } {
    const firsts: number[] = [];
    const updates: number[] = [];
    const rows = this.#sql.exec<{ seq: number; updated_seqs: string | null }>(
      `SELECT seq, updated_seqs FROM spans WHERE trace_seq = ? ORDER BY seq`,
      traceSeq,
    );
    for (const { seq, updated_seqs } of rows) {
      firsts.push(seq);
      if (updated_seqs !== null) updates.push(...(JSON.parse(updated_seqs) as number[]));
    }
    return { firsts, updates: updates.toSorted((a, b) => a - b) };
  }

  /** An update rather than a replacement: what is not indexed anew is not written anew. */
  putTrace(record: TraceRecord): void {
    this.#sql.exec(
      `INSERT INTO traces (seq, id, name, status, author, author_kind, author_name, started_at, finished_seq, finished_at, error,
         purged_at, span_updates, metadata_bytes)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (seq) DO UPDATE SET name = excluded.name, status = excluded.status, finished_seq = excluded.finished_seq,
         finished_at = excluded.finished_at, error = excluded.error, purged_at = excluded.purged_at,
         span_updates = excluded.span_updates, metadata_bytes = excluded.metadata_bytes`,
      record.seq,
      record.id,
      record.name,
      record.status,
      record.author,
      record.authorKind,
      record.authorName ?? null,
      record.startedAt,
      record.finishedSeq ?? null,
      record.finishedAt ?? null,
      record.error ?? null,
      record.purgedAt ?? null,
      record.spanUpdates,
      record.metadataBytes,
    );
  }

  putSpan(record: SpanRecord): void {
    this.#sql.exec(
      `INSERT INTO spans (trace_seq, span_id, seq, ordinal, parts, updated_seqs) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (trace_seq, span_id) DO UPDATE SET parts = excluded.parts, updated_seqs = excluded.updated_seqs`,
      record.traceSeq,
      record.spanId,
      record.seq,
      record.ordinal,
      JSON.stringify(record.parts.map((part): PartRow => [part.seq, part.bytes, [...part.fields]])),
      record.updatedSeqs.length === 0 ? null : JSON.stringify(record.updatedSeqs),
    );
  }

  dropSpans(traceSeq: number): void {
    this.#sql.exec(`DELETE FROM spans WHERE trace_seq = ?`, traceSeq);
  }

  dropAll(): void {
    this.#sql.exec(`DELETE FROM traces`);
    this.#sql.exec(`DELETE FROM spans`);
  }
}

function traceOf(row: TraceRow): TraceRecord {
  return {
    id: row.id,
    seq: row.seq,
    name: row.name,
    status: row.status as TraceStatus,
    author: row.author,
    authorKind: row.author_kind as ActorKind,
    ...(row.author_name === null ? {} : { authorName: row.author_name }),
    startedAt: row.started_at,
    ...(row.finished_seq === null ? {} : { finishedSeq: row.finished_seq }),
    ...(row.finished_at === null ? {} : { finishedAt: row.finished_at }),
    ...(row.error === null ? {} : { error: row.error }),
    ...(row.purged_at === null ? {} : { purgedAt: row.purged_at }),
    spanUpdates: row.span_updates,
    metadataBytes: row.metadata_bytes,
  };
}

function spanOf(row: SpanRow): SpanRecord {
  return {
    traceSeq: row.trace_seq,
    spanId: row.span_id,
    seq: row.seq,
    ordinal: row.ordinal,
    parts: (JSON.parse(row.parts) as PartRow[]).map(([seq, bytes, fields]): SpanPart => ({ seq, bytes, fields })),
    updatedSeqs: row.updated_seqs === null ? [] : (JSON.parse(row.updated_seqs) as number[]),
  };
}
