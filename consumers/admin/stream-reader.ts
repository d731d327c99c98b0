import {
  AckPolicy,
  DeliverPolicy,
  type ConsumerInfo,
  type JetStreamClient,
  type JetStreamManager,
  type JsMsg,
} from '@nats-io/jetstream';
import { nanos, type MsgHdrs } from '@nats-io/transport-node';

/** the least that the client takes; a reading ends as soon as it has what is there */
const FETCH_MS = 1_000;
const PULL_MESSAGES_MAX = 500;
/** a reading that needs more is given up: it would be far beyond any answer */
const PULLS_MAX = 20;
/** should a reader die, the server forgets its consumer after this */
const INACTIVE_MS = 10_000;
/** with headers alone the server says how large the payload is */
const SIZE_HEADER = 'Nats-Msg-Size';

/** A message as its stream keeps it. `data` is empty where only the headers were read. */
export interface StoredMessage {
  /** its sequence in the stream */
  position: number;
  subject: string;
  atMs: number;
  headers: readonly (readonly [name: string, value: string])[];
  data: Uint8Array;
  /** of the payload, read or not */
  bytes: number;
}

/** One stream as admin needs it. Every call rejects when JetStream does not answer in time. */
export interface StreamReader {
  /** first and last position that the stream may hold */
  bounds(): Promise<{ first: number; last: number }>;
  /** messages from…to in rising order, of one subject or of all; `headersOnly` leaves the payloads where they are */
  between(from: number, to: number, options: { subject?: string | undefined; headersOnly?: true }): Promise<StoredMessage[]>;
  /** the whole message, as the leader has it; undefined when it is gone */
  read(position: number): Promise<StoredMessage | undefined>;
  /** false when it was gone already */
  remove(position: number): Promise<boolean>;
}

export function jetStreamReader(client: JetStreamClient, manager: JetStreamManager, stream: string): StreamReader {
  return {
    async bounds() {
      const { state } = await manager.streams.info(stream);
      // a stream that never held anything says 0
      return { first: Math.max(1, state.first_seq), last: state.last_seq };
    },
    async between(from, to, { subject, headersOnly }) {
      const reader = await manager.consumers.add(stream, {
        ack_policy: AckPolicy.None,
        deliver_policy: DeliverPolicy.StartSequence,
        opt_start_seq: from,
        mem_storage: true,
        num_replicas: 1,
        inactive_threshold: nanos(INACTIVE_MS),
        ...(headersOnly === true ? { headers_only: true } : {}),
        ...(subject === undefined ? {} : { filter_subject: subject }),
      });
      try {
        return await readUpTo(client, reader, to);
      } finally {
        // nobody's business whether it is gone now or by itself
        manager.consumers.delete(stream, reader.name).catch(() => undefined);
      }
    },
    async read(position) {
      const stored = await manager.streams.getMessage(stream, { seq: position });
      if (stored === null) return undefined;
      const { subject, time, data } = stored;
      return { position, subject, atMs: time.getTime(), headers: entriesOf(stored.header), data, bytes: data.length };
    },
    async remove(position) {
      try {
        return await manager.streams.deleteMessage(stream, position);
      } catch (error) {
        // the server has several words for what another has just removed: what counts is whether it is there
        if ((await manager.streams.getMessage(stream, { seq: position })) !== null) throw error;
        return false;
      }
    },
  };
}

/**
 * What the reader has up to a position. Whatever ends a pull early (its time, a message that was removed meanwhile), the next one goes
 * on behind what came; only the server's word that nothing is left, or what lies beyond, is the end. Rejects rather than leaving a gap.
 */
async function readUpTo(client: JetStreamClient, reader: ConsumerInfo, to: number): Promise<StoredMessage[]> {
  const found: StoredMessage[] = [];
  const consumer = client.consumers.getConsumerFromInfo(reader);
  let pending = reader.num_pending;
  for (let pulls = 0; pending > 0; pulls += 1) {
    if (pulls >= PULLS_MAX) throw new Error('the stream could not be read to its end');
    const messages = await consumer.fetch({ max_messages: Math.min(pending, PULL_MESSAGES_MAX), expires: FETCH_MS });
    for await (const message of messages) {
      if (message.seq > to) return found;
      found.push(storedOf(message));
      if (message.seq === to || message.info.pending === 0) return found;
    }
    pending = (await consumer.info()).num_pending;
  }
  return found;
}

function storedOf({ seq, subject, time, data, headers: all }: JsMsg): StoredMessage {
  const headers = entriesOf(all);
  const size = headers.find(([name]) => name === SIZE_HEADER)?.[1];
  return {
    position: seq,
    subject,
    atMs: time.getTime(),
    headers: headers.filter(([name]) => name !== SIZE_HEADER),
    data,
    bytes: size === undefined ? data.length : Number(size),
  };
}

function entriesOf(headers: MsgHdrs | undefined): (readonly [string, string])[] {
  return headers === undefined
    ? []
    : headers.keys().flatMap((name) => headers.values(name).map((value) => [name, value] as const));
}
