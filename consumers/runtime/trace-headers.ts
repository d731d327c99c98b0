import { headers, type MsgHdrs } from '@nats-io/transport-node';
import { isSampled } from '../../shared/telemetry/traceparent.ts';

/** of W3C Trace Context, on a NATS message */
export const TRACEPARENT_HEADER = 'traceparent';

/** Options of a request that carry the trace on, where it is recorded. */
export function traceHeaders(traceparent: string | undefined): { headers?: MsgHdrs } {
  if (!isSampled(traceparent)) return {};
  const all = headers();
  all.set(TRACEPARENT_HEADER, traceparent);
  return { headers: all };
}
