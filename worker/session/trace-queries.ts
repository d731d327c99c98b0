import { refusal } from '../../shared/core/codes.ts';
import { PAGE_BYTES_MAX, SPANS_PAGE_MAX, TRACES_PAGE_MAX } from '../../shared/core/limits.ts';
import { readAccess } from '../../shared/core/rights.ts';
import { utf8Bytes } from '../../shared/core/text.ts';
import type { SpanRecord, TraceRecord } from '../../shared/core/trace.ts';
import type { Actor, Event } from '../../shared/core/types.ts';
import type { PageQuery, Result, SpanItem, TraceItem, TracePage, TracesPage } from './api.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import type { Room } from './room.ts';

/** The Session's half of the queries for traces: which rows make the page, and the events of them that the tail still holds. */

/** bytes of an event's JSON besides its body, and of a trace's besides metadata, name and error */
const EVENT_FRAME_BYTES = 700;
const BAD_CURSOR = refusal('invalid_request', 'This cursor was not made here.');

/** Newest first. A cursor is the seq of the last one, so others' writes move nothing. */
export function traces(room: Room, actor: Actor, query: PageQuery): Result<TracesPage> {
  const found = readAccess(room.view, actor.id);
  if (!found.ok) return found;
  const { sessionId } = room.identity;
  const before = query.cursor === undefined ? String(Number.MAX_SAFE_INTEGER) : decodeCursor('traces', sessionId, query.cursor);
  if (before === undefined) return { ok: false, refusal: BAD_CURSOR };
  const limit = Math.min(query.limit, TRACES_PAGE_MAX);
  const rows = room.state.traces.below(Number(before), limit + 1);
  const page = cut(rows.slice(0, limit), traceBytes);
  const last = page.at(-1);
  const more = page.length < rows.length && last !== undefined;
  return {
    ok: true,
    value: {
      items: page.map((record) => itemOf(room, record)),
      events: held(
        room,
        page.map(({ seq }) => seq),
      ),
      ...(more ? { nextCursor: encodeCursor('traces', sessionId, String(last.seq)) } : {}),
    },
  };
}

/** Spans in the order in which they first came; a cursor is the seq of the last one. */
export function trace(room: Room, actor: Actor, traceId: string, query: PageQuery): Result<TracePage> {
  const found = readAccess(room.view, actor.id);
  if (!found.ok) return found;
  const record = room.state.trace(traceId);
  if (record === undefined || record.purgedAt !== undefined) {
    return { ok: false, refusal: refusal('trace_not_found', 'There is no such trace, or it was purged.') };
  }
  const after = query.cursor === undefined ? 0 : placeIn(record, decodeCursor('spans', room.identity.sessionId, query.cursor));
  if (after === undefined) return { ok: false, refusal: BAD_CURSOR };
  const limit = Math.min(query.limit, SPANS_PAGE_MAX);
  const rows = room.state.traces.spansAbove(record.seq, after, limit + 1);
  const page = cut(rows.slice(0, limit), spanBytes);
  const last = page.at(-1);
  const more = page.length < rows.length && last !== undefined;
  return {
    ok: true,
    value: {
      item: itemOf(room, record),
      spans: page.map(({ spanId, seq, parts }): SpanItem => ({ spanId, seq, partSeqs: parts.map((part) => part.seq) })),
      events: held(room, [record.seq, ...page.flatMap(({ parts }) => parts.map(({ seq }) => seq))]),
      ...(more ? { nextCursor: encodeCursor('spans', room.identity.sessionId, `${record.seq}-${last.seq}`) } : {}),
    },
  };
}

/** A cursor belongs to one trace. */
function placeIn(record: TraceRecord, position: string | undefined): number | undefined {
  const [traceSeq, seq] = (position ?? '').split('-').map(Number);
  return traceSeq === record.seq ? seq : undefined;
}

function itemOf(room: Room, record: TraceRecord): TraceItem {
  return { record, spanCount: room.state.spanCount(record.seq) };
}

function held(room: Room, seqs: readonly number[]): Event[] {
  return seqs.flatMap((seq) => room.events.one(seq) ?? []);
}

function traceBytes({ name, error, metadataBytes }: TraceRecord): number {
  return EVENT_FRAME_BYTES + metadataBytes + utf8Bytes(JSON.stringify([name, error]));
}

/** Of what has to be read for it, which is at least what is answered. */
function spanBytes({ parts }: SpanRecord): number {
  return parts.reduce((sum, { bytes }) => sum + bytes + EVENT_FRAME_BYTES, 0);
}

/** A page is cut at 512 KiB, but never before its first row. */
function cut<T>(rows: readonly T[], bytesOf: (row: T) => number): T[] {
  const page: T[] = [];
  let bytes = 0;
  for (const row of rows) {
    bytes += bytesOf(row);
    if (page.length > 0 && bytes > PAGE_BYTES_MAX) break;
    page.push(row);
  }
  return page;
}
