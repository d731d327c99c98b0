import { parseEvent, parseEventBytes, type EventFault, type EventParser } from '../../shared/contract/event-schema.ts';
import { eventSubject } from '../../shared/contract/subjects.ts';
import { CORRELATION_ID_PATTERN, ID_PATTERN, TENANT_PATTERN } from '../../shared/core/ids.ts';
import { SEQ_MAX } from '../../shared/core/limits.ts';
import type { Event } from '../../shared/core/types.ts';
import { readTraceparent } from '../../shared/telemetry/traceparent.ts';

/** A message in hand, with what may be told the server about it. */
export interface Incoming {
  subject: string;
  data: Uint8Array;
  headers: readonly (readonly [name: string, value: string])[];
  streamSeq: number;
  /** 1 at the first delivery */
  deliveries: number;
  publishedAtMs: number;
  /** unique for a stored message, also across a stream made again with the same sequences */
  storedId: string;
  /** resolves once the server confirmed the acknowledgement; false or a rejection: it may come again */
  ack(): Promise<boolean>;
  /** acknowledges without waiting: lost on the way, it comes again */
  ackUnconfirmed(): void;
  /** to be delivered again after the delay; 0 is at once */
  retry(delayMs: number): void;
  /** resets the server's ack timer */
  working(): void;
  terminate(reason: string): void;
}

export type Read =
  | { ok: true; event: Event; stored?: Event }
  | { ok: false; reason: EventFault | 'subject_mismatch'; detail: string };

/** The event of a message. One whose subject says otherwise is refused: rights on NATS are rights on subjects. */
export function readEvent(incoming: Incoming, parse: EventParser = parseEvent): Read {
  const parsed = parseEventBytes(incoming.data, parse);
  if (!parsed.ok) return parsed;
  const { event } = parsed;
  if (eventSubject(event.tenant, event.type, event.sessionid) !== incoming.subject) {
    return { ok: false, reason: 'subject_mismatch', detail: 'the subject names another tenant, type or session' };
  }
  return parsed;
}

export interface EventPlace {
  tenant: string;
  sessionId: string;
  seq: number;
  /** of the event's trace, where it names one */
  traceparent?: string;
  correlationId?: string;
}

/**
 * Which event a message was that could not be read. Tenant and session come from the subject, which the publisher's rights
 * vouch for; only the seq comes from the payload. Undefined when either is not to be had.
 */
export function placeOf(incoming: Pick<Incoming, 'subject' | 'data'>): EventPlace | undefined {
  const tokens = incoming.subject.split('.');
  const tenant = tokens[2];
  const sessionId = tokens.at(-1);
  if (tokens.length !== 6 || tenant === undefined || sessionId === undefined) return undefined;
  if (!TENANT_PATTERN.test(tenant) || !ID_PATTERN.test(sessionId)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(incoming.data));
  } catch {
    return undefined;
  }
  if (value === null || typeof value !== 'object') return undefined;
  const { seq, tenant: said, sessionid } = value as { seq?: unknown; tenant?: unknown; sessionid?: unknown };
  if (typeof seq !== 'number' || !Number.isInteger(seq) || seq < 1 || seq > SEQ_MAX) return undefined;
  if ((said !== undefined && said !== tenant) || (sessionid !== undefined && sessionid !== sessionId)) return undefined;
  const { traceparent, correlationid } = value as { traceparent?: unknown; correlationid?: unknown };
  return {
    tenant,
    sessionId,
    seq,
    ...(readTraceparent(traceparent) === undefined ? {} : { traceparent: String(traceparent) }),
    ...(isCorrelationId(correlationid) ? { correlationId: correlationid } : {}),
  };
}

function isCorrelationId(value: unknown): value is string {
  return typeof value === 'string' && CORRELATION_ID_PATTERN.test(value);
}
