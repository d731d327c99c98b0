import type { ActorKind, Metadata } from './types.ts';

/** The nouns of traces (contract §1, §3): what an agent did, as spans that may come in any order and in several parts. */

export type TraceStatus = 'running' | 'completed' | 'failed';
export type SpanKind = 'agent' | 'tool' | 'model' | 'other';

/** One part of a span. Of a field that several parts have, the last one counts: by seq, and so by clock. */
export interface SpanData {
  spanId: string;
  /** need not exist yet */
  parentSpanId?: string;
  name: string;
  kind?: SpanKind;
  status?: string;
  startedAt: string;
  endedAt?: string;
  /** any JSON */
  input?: unknown;
  output?: unknown;
  metadata?: Metadata;
}

/** what a part may give anew */
export type SpanField = Exclude<keyof SpanData, 'spanId'>;

/** The small row that stays for good per trace (design decision 6). Metadata and spans live in events. */
export interface TraceRecord {
  id: string;
  /** seq of its trace.started */
  seq: number;
  name: string;
  status: TraceStatus;
  author: string;
  authorKind: ActorKind;
  authorName?: string;
  startedAt: number;
  /** seq of its trace.finished */
  finishedSeq?: number;
  finishedAt?: number;
  error?: string;
  purgedAt?: number;
  /** trace.span events beyond the first of each span */
  spanUpdates: number;
  /** bytes of UTF-8 JSON of the metadata: what a page counts */
  metadataBytes: number;
}

/** A trace.span event, and the fields of the span that are still as it gave them. */
export interface SpanPart {
  seq: number;
  fields: readonly SpanField[];
  /** bytes of UTF-8 JSON of the event's span: what a page counts */
  bytes: number;
}

/** The row of a span, gone once its trace is purged. */
export interface SpanRecord {
  traceSeq: number;
  spanId: string;
  /** seq of the first trace.span of this span: its place in the trace, and the key of its row in the store */
  seq: number;
  /** 1, 2, … among the trace's spans */
  ordinal: number;
  /** in order of seq; every field of the span is in exactly one */
  parts: readonly SpanPart[];
  /** seqs of its further trace.span events, oldest first: what a purge has to erase */
  updatedSeqs: readonly number[];
}

/** Puts a span together of parts in order of seq. */
export function mergeSpan(parts: readonly SpanData[]): SpanData | undefined {
  return parts.reduce<SpanData | undefined>((span, part) => ({ ...span, ...part }), undefined);
}
