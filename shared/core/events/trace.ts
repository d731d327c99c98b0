import type { SessionState } from '../state.ts';
import { utf8Bytes } from '../text.ts';
import type { SpanData, SpanField, SpanPart } from '../trace.ts';
import type { WholeEventOf } from '../types.ts';

export function applyTraceStarted(state: SessionState, event: WholeEventOf<'trace.started'>): void {
  const { id, name, metadata } = event.data;
  state.putTrace({
    id,
    seq: event.seq,
    name,
    status: 'running',
    author: event.actor,
    authorKind: event.actorkind,
    ...(event.actorname === undefined ? {} : { authorName: event.actorname }),
    startedAt: Date.parse(event.time),
    spanUpdates: 0,
    metadataBytes: utf8Bytes(JSON.stringify(metadata)),
  });
}

export function applyTraceSpan(state: SessionState, event: WholeEventOf<'trace.span'>): void {
  const { traceId, traceSeq, span } = event.data;
  const trace = state.trace(traceId);
  if (trace === undefined || trace.purgedAt !== undefined) return;
  const before = state.span(traceSeq, span.spanId);
  const part = partOf(event.seq, span);
  state.putSpan({
    traceSeq,
    spanId: span.spanId,
    seq: before?.seq ?? event.seq,
    ordinal: before?.ordinal ?? state.spanCount(traceSeq) + 1,
    parts: [...without(before?.parts ?? [], part.fields), part],
    updatedSeqs: before === undefined ? [] : [...before.updatedSeqs, event.seq],
  });
  if (before !== undefined) state.putTrace({ ...trace, spanUpdates: trace.spanUpdates + 1 });
}

export function applyTraceFinished(state: SessionState, event: WholeEventOf<'trace.finished'>): void {
  const { id, status, error } = event.data;
  const trace = state.trace(id);
  if (trace === undefined || trace.purgedAt !== undefined) return;
  state.putTrace({
    ...trace,
    status,
    finishedSeq: event.seq,
    finishedAt: Date.parse(event.time),
    ...(error === undefined ? {} : { error }),
  });
}

/** The row stays, without content, so that the id stays taken. */
export function applyTracePurged(state: SessionState, event: WholeEventOf<'trace.purged'>): void {
  const { id, traceSeq, finishedSeq, spanSeqs = [], updatedSeqs = [] } = event.data;
  const trace = state.trace(id);
  if (trace === undefined) return;
  const { error: _, ...rest } = trace;
  state.putTrace({ ...rest, name: '', metadataBytes: 0, purgedAt: Date.parse(event.time) });
  state.dropSpans(traceSeq);
  state.eraseEvents([traceSeq, ...spanSeqs, ...updatedSeqs, ...(finishedSeq === undefined ? [] : [finishedSeq])]);
}

function partOf(seq: number, span: SpanData): SpanPart {
  const { spanId: _, ...fields } = span;
  // the keys of a span but for its id are its fields
  return { seq, fields: Object.keys(fields) as SpanField[], bytes: utf8Bytes(JSON.stringify(span)) };
}

/** What is left of the parts once these fields came anew: a part of which nothing is left is not needed to read the span. */
function without(parts: readonly SpanPart[], fields: readonly SpanField[]): SpanPart[] {
  return parts
    .map((part) => ({ ...part, fields: part.fields.filter((field) => !fields.includes(field)) }))
    .filter((part) => part.fields.length > 0);
}
