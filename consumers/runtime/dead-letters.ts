import type { JetStreamClient } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';
import { DEAD_LETTERS_STREAM, deadLetterSubject } from '../../shared/contract/subjects.ts';
import type { Incoming } from './incoming.ts';
import type { Metrics } from './metrics.ts';
import { keptName, LETTER_HEADERS } from './letter-headers.ts';

export interface DeadLetter {
  incoming: Incoming;
  consumer: string;
  reason: string;
  error: string;
  firstFailedAtMs: number;
  /** absent: the payload is an event, which has its own */
  correlationId?: string;
  /** of the work that failed; what a publisher sent along is kept before it */
  traceparent?: string;
}

/** Where dead letters go. Resolves once one is stored; a rejection leaves the message where it was. */
export interface DeadLetters {
  store(letter: DeadLetter): Promise<void>;
}

/** Tells whoever measures of each letter that was stored. */
export function countedLetters(deadLetters: DeadLetters, metrics: Metrics): DeadLetters {
  return {
    async store(letter) {
      await deadLetters.store(letter);
      metrics.buried(letter.consumer, letter.reason);
    },
  };
}

const HEADER_CHARS_MAX = 1_000;
const STORE_MS_MAX = 5_000;
/** letters of one message that were removed within the server's memory of ids (a day); then it waits in its own stream */
const EARLIER_LETTERS_MAX = 20;

/** maxPayloadBytes: the server's bound of headers and payload together. What exceeds it with our headers added is cut. */
export function jetStreamDeadLetters(client: JetStreamClient, maxPayloadBytes: number): DeadLetters {
  return {
    async store(letter) {
      const { entries, data } = fitLetter(letter, maxPayloadBytes);
      const all = headers();
      for (const [name, value] of entries) all.append(name, value);
      const subject = deadLetterSubject(letter.consumer);
      // the event's own id would swallow the letter of the next consumer that buries the same event
      const id = `dead.${letter.consumer}.${letter.incoming.storedId}`;
      let msgID = id;
      for (let earlier = 0; earlier <= EARLIER_LETTERS_MAX; earlier += 1) {
        const { duplicate, seq } = await client.publish(subject, data, { headers: all, msgID, timeout: STORE_MS_MAX });
        // the server still knows the id of a letter that was redriven or discarded, and swallows this one
        if (!duplicate || (await isThere(client, seq))) return;
        msgID = `${id}.after.${seq}`;
      }
      throw new Error('the same message was buried, and its letter removed, too often within the time that ids are remembered');
    },
  };
}

async function isThere(client: JetStreamClient, seq: number): Promise<boolean> {
  const manager = await client.jetstreamManager(false);
  return (await manager.streams.getMessage(DEAD_LETTERS_STREAM, { seq })) !== null;
}

/** Exported for its test: the headers of a dead letter, name by name. */
export function letterHeaders({
  incoming,
  reason,
  error,
  firstFailedAtMs,
  correlationId,
  traceparent,
}: DeadLetter): (readonly [string, string])[] {
  // what the publisher said of it stays the only one of its name
  const named = incoming.headers.some(([name]) => name === 'traceparent') ? undefined : traceparent;
  return [
    ...incoming.headers.map(([name, value]): readonly [string, string] => [keptName(name), value]),
    [LETTER_HEADERS.reason, oneLine(reason)],
    [LETTER_HEADERS.error, oneLine(error)],
    [LETTER_HEADERS.attempts, String(incoming.deliveries)],
    [LETTER_HEADERS.subject, incoming.subject],
    [LETTER_HEADERS.streamSeq, String(incoming.streamSeq)],
    [LETTER_HEADERS.firstFailedAt, new Date(firstFailedAtMs).toISOString()],
    [LETTER_HEADERS.publishedAt, new Date(incoming.publishedAtMs).toISOString()],
    ...(correlationId === undefined ? [] : [[LETTER_HEADERS.correlationId, correlationId] as const]),
    ...(named === undefined ? [] : [['traceparent', named] as const]),
  ];
}

/** room for the lines that the client adds: the version, the message id and the blank line */
const HEADER_RESERVE_BYTES = 1_024;

/**
 * A message of nearly the server's bound has no room for our headers, and a letter that is refused for good would come back
 * for good: its payload is cut and says so. The whole one stays in the stream under Millrace-Stream-Seq.
 */
export function fitLetter(
  letter: DeadLetter,
  maxPayloadBytes: number,
): { entries: (readonly [string, string])[]; data: Uint8Array } {
  const entries = letterHeaders(letter);
  const { data } = letter.incoming;
  const headerBytes = entries.reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value) + 4, 0);
  const room = Math.max(0, maxPayloadBytes - headerBytes - HEADER_RESERVE_BYTES);
  if (data.length <= room) return { entries, data };
  return { entries: [...entries, [LETTER_HEADERS.payloadBytes, String(data.length)]], data: data.subarray(0, room) };
}

/** Header values are one line of printable characters. */
function oneLine(value: string): string {
  return value.replace(/[^\x20-\x7e]+/g, ' ').slice(0, HEADER_CHARS_MAX);
}
