import type { SpanAnswer, TraceAnswer } from '../../shared/contract/answers.ts';
import { rfc3339 } from '../../shared/core/clock.ts';
import { mergeSpan } from '../../shared/core/trace.ts';
import { isErased, type Event } from '../../shared/core/types.ts';
import type { SpanItem, TraceItem } from '../session/api.ts';

/** What traces look like to clients (contract §2), of the Session's rows and their events. */

/** Undefined when its trace.started is erased: the trace was purged after the Session was asked. Throws when it is no such event. */
export function traceAnswer(sessionId: string, { record, spanCount }: TraceItem, started: Event): TraceAnswer | undefined {
  if (isErased(started)) return undefined;
  if (started.type !== 'trace.started' || started.data.id !== record.id)
    throw new Error(`seq ${record.seq} starts no such trace`);
  const { finishedAt, error } = record;
  return {
    id: record.id,
    sessionId,
    seq: record.seq,
    author: {
      id: record.author,
      ...(record.authorName === undefined ? {} : { name: record.authorName }),
      kind: record.authorKind,
    },
    name: record.name,
    status: record.status,
    startedAt: rfc3339(record.startedAt),
    ...(finishedAt === undefined
      ? {}
      : { finishedAt: rfc3339(finishedAt), durationMs: Math.max(0, finishedAt - record.startedAt) }),
    ...(error === undefined ? {} : { error }),
    metadata: started.data.metadata,
    spanCount,
  };
}

/** Undefined when one of its events is erased. Throws when one is not of this span. */
export function spanAnswer({ spanId, seq }: SpanItem, events: readonly Event[]): SpanAnswer | undefined {
  if (events.some(isErased)) return undefined;
  const merged = mergeSpan(
    events.map((event) => {
      if (isErased(event) || event.type !== 'trace.span' || event.data.span.spanId !== spanId) {
        throw new Error(`seq ${event.seq} is not of span ${spanId}`);
      }
      return event.data.span;
    }),
  );
  if (merged === undefined) throw new Error(`span ${spanId} has no events`);
  const { endedAt, startedAt } = merged;
  const ended = endedAt === undefined ? {} : { durationMs: Math.max(0, Date.parse(endedAt) - Date.parse(startedAt)) };
  return { kind: 'other', metadata: {}, ...merged, seq, ...ended };
}
