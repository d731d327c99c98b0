import { JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream';
import { parseEvent } from '../../shared/contract/event-schema.ts';
import { EVENTS_STREAM, eventSubject } from '../../shared/contract/subjects.ts';
import { eraseEvent } from '../../shared/core/event.ts';
import type { Event } from '../../shared/core/types.ts';
import { IN_STREAM, type Ledger } from './ledger.ts';
import type { SessionKey } from '../stores/history/port.ts';
import type { SessionLetters } from './letters.ts';
import { readStream, type JetStream } from './read-stream.ts';

export interface StreamLook {
  /** messages that are no event of this session as it was accepted */
  wrong: { kind: 'different' | 'extra'; place: string; detail: string }[];
  isCut: boolean;
  /** sequence of the session's newest message; 0 while there is none */
  lastStreamSeq: number;
}

/** A message of the stream. */
export interface StreamMessage {
  streamSeq: number;
  /** epoch milliseconds */
  storedAtMs: number;
  data: Uint8Array;
}

/** MILLRACE_EVENTS as an audit reads it. Every call rejects when it cannot be read. */
export interface AuditStream {
  /** when JetStream stored the oldest message that it still has, epoch milliseconds; Infinity while it has none */
  firstMs(): Promise<number>;
  /** what it has of a session, in its order */
  each(session: SessionKey, take: (message: StreamMessage) => Promise<void>): Promise<void>;
  /** up to where a durable has settled the stream, when it has something before it; 0 while there is none, undefined when it is through */
  settledTo(durable: string): Promise<number | undefined>;
}

export function auditStream(jetStream: JetStream): AuditStream {
  const { manager } = jetStream;
  return {
    async firstMs() {
      const { state } = await manager.streams.info(EVENTS_STREAM);
      return state.messages === 0 ? Number.POSITIVE_INFINITY : new Date(state.first_ts).getTime();
    },
    async each({ tenant, sessionId }, take) {
      const wanted = { filter_subject: eventSubject(tenant, '*.*', sessionId) };
      await readStream(jetStream, EVENTS_STREAM, wanted, async ({ seq, time, data }) => {
        await take({ streamSeq: seq, storedAtMs: time.getTime(), data });
      });
    },
    async settledTo(durable) {
      try {
        const { num_pending, num_ack_pending, ack_floor } = await manager.consumers.info(EVENTS_STREAM, durable);
        return num_pending + num_ack_pending > 0 ? ack_floor.stream_seq : undefined;
      } catch (error) {
        // nobody has run that role yet
        if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.ConsumerNotFound) return 0;
        throw error;
      }
    },
  };
}

/**
 * Compares what the stream has of the session with the ledger. Messages may be repeated, out of order, and whole though the
 * edge has erased them since (contract §3). `copy` is given each right event of `wanted`, erased where the edge has it so.
 */
export async function lookAtStream(
  stream: AuditStream,
  ledger: Ledger,
  letters: SessionLetters,
  findingsMax: number,
  wanted: (seq: number) => boolean,
  copy: (event: Event, publishedAtMs: number) => Promise<void>,
): Promise<StreamLook> {
  const look: StreamLook = { wrong: [], isCut: false, lastStreamSeq: 0 };
  const buried = new Set(letters.map(({ streamSeq }) => streamSeq));
  const wrong = (kind: 'different' | 'extra', place: string, detail: string): void => {
    if (look.wrong.length >= findingsMax) look.isCut = true;
    else look.wrong.push({ kind, place, detail });
  };
  await stream.each(ledger.session, async ({ streamSeq, storedAtMs, data }) => {
    look.lastStreamSeq = Math.max(look.lastStreamSeq, streamSeq);
    const event = eventIn(data);
    const seq = event?.seq;
    if (event === undefined || typeof seq !== 'number' || !Number.isInteger(seq) || seq < 1 || seq > ledger.head) {
      // what no consumer could take is a dead letter, and known
      if (!buried.has(streamSeq)) wrong('extra', `message ${streamSeq}`, described(event, ledger.head));
      return;
    }
    const verdict = ledger.verdict(event, seq);
    if (verdict === 'different' || verdict === 'erased') {
      if (!buried.has(streamSeq)) wrong('different', `message ${streamSeq}`, `seq ${seq} is not as it was accepted`);
      return;
    }
    ledger.mark(seq, IN_STREAM);
    // what no digest proves must at least be what its type says
    if (wanted(seq) && (verdict !== 'unverifiable' || parseEvent(event).ok))
      await copy(verdict === 'unerased' ? eraseEvent(event) : event, storedAtMs);
  });
  return look;
}

function described(event: Event | undefined, head: number): string {
  return event === undefined ? 'is no event' : `seq ${String(event.seq)} is none of 1 to ${head}`;
}

function eventIn(data: Uint8Array): Event | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(data));
    if (!isObject(value) || !isObject((value as { data?: unknown }).data)) return undefined;
    // only its digest, and a seq that is looked at, count
    return value as Event;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is object {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
