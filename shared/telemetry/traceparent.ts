import { TRACEPARENT_PATTERN } from '../core/ids.ts';

const TRACE_ID_AT = 3;
const SPAN_ID_AT = 36;
const FLAGS_AT = 53;
const SAMPLED = 1;
/** no envelope of ours is longer before its traceparent */
const ENVELOPE_CHARS_MAX = 4_096;

export interface SpanContext {
  traceId: string;
  spanId: string;
  traceFlags: number;
}

/** The parts of a W3C traceparent; undefined for anything else. */
export function readTraceparent(value: unknown): SpanContext | undefined {
  if (typeof value !== 'string' || !TRACEPARENT_PATTERN.test(value)) return undefined;
  return {
    traceId: value.slice(TRACE_ID_AT, SPAN_ID_AT - 1),
    spanId: value.slice(SPAN_ID_AT, FLAGS_AT - 1),
    traceFlags: Number.parseInt(value.slice(FLAGS_AT), 16),
  };
}

export function writeTraceparent({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}

/** Whether whoever wrote it records the trace. */
export function isSampled(traceparent: string | undefined): traceparent is string {
  const context = readTraceparent(traceparent);
  return context !== undefined && (context.traceFlags & SAMPLED) === SAMPLED;
}

/** The ids as log lines carry them, by the names that OpenTelemetry gives them there; none for a traceparent that is none. */
export function traceFields(traceparent: string | undefined): { trace_id?: string; span_id?: string } {
  const context = readTraceparent(traceparent);
  return context === undefined ? {} : { trace_id: context.traceId, span_id: context.spanId };
}

/** The traceparent of an encoded event of ours, without reading all of it: the envelope comes before the data. */
export function traceparentOfEncoded(event: string): string | undefined {
  const envelope = event.slice(0, ENVELOPE_CHARS_MAX);
  const data = envelope.indexOf(',"data":');
  // quotes in a value are escaped, so only the member itself reads like this
  return /,"traceparent":"([0-9a-f-]{55})"$/.exec(data === -1 ? envelope : envelope.slice(0, data))?.[1];
}
