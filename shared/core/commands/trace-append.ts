import { rfc3339 } from '../clock.ts';
import { accepted, refused, type CommandHandler } from '../decision.ts';
import { SPAN_UPDATES_MAX, TRACE_SPAN_EVENTS_MAX } from '../limits.ts';
import { mayWrite } from '../rights.ts';
import type { SpanData } from '../trace.ts';
import { NO_TRACE } from './trace-finish.ts';

/** A span, or more of one: the same spanId again is merged, and its parent may come later or never. */
export const traceAppend: CommandHandler<'trace.append'> = {
  whileArchived: false,
  decide(view, { member }, { traceId, ...part }) {
    if (!mayWrite(member)) return refused('forbidden', 'Only members may append to traces.');
    const trace = view.trace(traceId);
    if (trace === undefined || trace.purgedAt !== undefined) return NO_TRACE;
    if (trace.status !== 'running') return refused('conflict', 'The trace has finished and takes no more spans.');
    const span = inUtc(part);
    if (span.endedAt !== undefined && Date.parse(span.endedAt) < Date.parse(span.startedAt)) {
      return refused('invalid_request', 'endedAt is before startedAt.');
    }
    if (span.parentSpanId === span.spanId) return refused('invalid_request', 'A span is not its own parent.');
    const before = view.span(trace.seq, span.spanId);
    if (before !== undefined && before.updatedSeqs.length >= SPAN_UPDATES_MAX) {
      return refused('conflict', `A span can be added to ${SPAN_UPDATES_MAX} times.`);
    }
    if (view.spanCount(trace.seq) + trace.spanUpdates >= TRACE_SPAN_EVENTS_MAX) {
      return refused('conflict', `A trace takes ${TRACE_SPAN_EVENTS_MAX} spans, further parts of one counted.`);
    }
    if (view.storageFull()) return refused('session_full', 'The session takes no more spans.');
    return accepted(traceId, {
      type: 'trace.span',
      subject: traceId,
      data: { traceId, traceSeq: trace.seq, ...(before === undefined ? {} : { spanSeq: before.seq }), span },
    });
  },
};

/** Times go out as all times do: RFC 3339 UTC with milliseconds. */
function inUtc(part: SpanData): SpanData {
  const { startedAt, endedAt } = part;
  return {
    ...part,
    startedAt: rfc3339(Date.parse(startedAt)),
    ...(endedAt === undefined ? {} : { endedAt: rfc3339(Date.parse(endedAt)) }),
  };
}
