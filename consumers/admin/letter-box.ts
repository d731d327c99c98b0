import {
  AckPolicy,
  DeliverPolicy,
  JetStreamApiError,
  type ConsumerInfo,
  type JetStreamClient,
  type JetStreamManager,
} from '@nats-io/jetstream';
import { nanos, type MsgHdrs } from '@nats-io/transport-node';
import { DEAD_LETTERS_STREAM, deadLetterSubject } from '../../shared/contract/subjects.ts';
import type { StoredLetter } from './letter.ts';

/** the least that the client takes; a reading ends as soon as it has what is there */
const FETCH_MS = 1_000;
/** should a reader die, the server forgets its consumer after this */
const INACTIVE_MS = 10_000;
/** with headers alone the server says how large the payload is */
const SIZE_HEADER = 'Nats-Msg-Size';

/** MILLRACE_DEAD_LETTERS as admin needs it. Every call rejects when JetStream does not answer in time. */
export interface LetterBox {
  /** first and last position that the stream may hold */
  bounds(): Promise<{ first: number; last: number }>;
  /** headers of the letters from…to in rising order, of one consumer or of all */
  headersBetween(from: number, to: number, consumer?: string): Promise<StoredLetter[]>;
  /** the whole letter, as the leader has it; undefined when it is gone */
  read(position: number): Promise<StoredLetter | undefined>;
  /** false when it was gone already */
  remove(position: number): Promise<boolean>;
}

export function jetStreamLetterBox(client: JetStreamClient, manager: JetStreamManager): LetterBox {
  return {
    async bounds() {
      const { state } = await manager.streams.info(DEAD_LETTERS_STREAM);
      // a stream that never held anything says 0
      return { first: Math.max(1, state.first_seq), last: state.last_seq };
    },
    async headersBetween(from, to, consumer) {
      const reader = await manager.consumers.add(DEAD_LETTERS_STREAM, {
        ack_policy: AckPolicy.None,
        deliver_policy: DeliverPolicy.StartSequence,
        opt_start_seq: from,
        headers_only: true,
        mem_storage: true,
        num_replicas: 1,
        inactive_threshold: nanos(INACTIVE_MS),
        ...(consumer === undefined ? {} : { filter_subject: deadLetterSubject(consumer) }),
      });
      try {
        return await headersUpTo(client, reader, to);
      } finally {
        // nobody's business whether it is gone now or by itself
        manager.consumers.delete(DEAD_LETTERS_STREAM, reader.name).catch(() => undefined);
      }
    },
    async read(position) {
      const stored = await manager.streams.getMessage(DEAD_LETTERS_STREAM, { seq: position });
      if (stored === null) return undefined;
      const { subject, time, data } = stored;
      return { position, subject, atMs: time.getTime(), headers: entriesOf(stored.header), data, bytes: data.length };
    },
    async remove(position) {
      try {
        return await manager.streams.deleteMessage(DEAD_LETTERS_STREAM, position);
      } catch (error) {
        if (error instanceof JetStreamApiError && GONE.includes(error.code)) return false;
        throw error;
      }
    },
  };
}

async function headersUpTo(client: JetStreamClient, reader: ConsumerInfo, to: number): Promise<StoredLetter[]> {
  let waiting = Math.min(reader.num_pending, to - (reader.config.opt_start_seq ?? 1) + 1);
  if (waiting <= 0) return [];
  const found: StoredLetter[] = [];
  const messages = await client.consumers.getConsumerFromInfo(reader).fetch({ max_messages: waiting, expires: FETCH_MS });
  for await (const message of messages) {
    if (message.seq > to) break;
    const headers = entriesOf(message.headers);
    const bytes = Number(headers.find(([name]) => name === SIZE_HEADER)?.[1] ?? 0);
    found.push({
      position: message.seq,
      subject: message.subject,
      atMs: message.time.getTime(),
      headers: headers.filter(([name]) => name !== SIZE_HEADER),
      data: new Uint8Array(),
      bytes,
    });
    waiting -= 1;
    if (waiting <= 0) break;
  }
  return found;
}

/** JetStream's own error codes (nats-server errors.json): no such message, and no such sequence to be deleted */
const GONE: readonly number[] = [10037, 10043];

function entriesOf(headers: MsgHdrs | undefined): (readonly [string, string])[] {
  return headers === undefined
    ? []
    : headers.keys().flatMap((name) => headers.values(name).map((value) => [name, value] as const));
}
