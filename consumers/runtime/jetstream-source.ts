import type { Consumer, ConsumerMessages, JetStreamClient, JsMsg } from '@nats-io/jetstream';
import { ClosedConnectionError, DrainingConnectionError } from '@nats-io/transport-node';
import { EVENTS_STREAM } from '../../shared/contract/subjects.ts';
import type { Incoming } from './incoming.ts';
import type { Source } from './runner.ts';

/** one pull brings at most so many, and so at most 256 MiB (EVENT_BYTES_MAX), where events were small until then */
export const PULL_EVENTS_MAX = 512;
/** where the largest message of the last pulls would make more than this of the next one, that asks for fewer */
const PULL_BYTES_AIM = 8 * 1024 * 1024;
const LARGEST_OF_PULLS = 4;
/** an empty pull ends after this, so that a stop or a vanished durable is noticed */
const PULL_WAIT_MS = 5_000;
const ACK_CONFIRM_MS_MAX = 5_000;

/**
 * Pulls from a durable, several times at once if asked to. A pull in progress is bounded in messages; a stopped one ends at once.
 * Rejected: the server's bound in bytes. Its end is told by a status that waits for nobody, while messages of a durable with
 * replicas wait for the other copies: it overtakes them, and the client throws away what comes after it, again and again.
 */
export class JetStreamSource implements Source {
  readonly #client: JetStreamClient;
  readonly #durable: string;
  #consumer: Consumer | undefined;
  readonly #pulling = new Set<ConsumerMessages>();
  #stopped = false;
  /** of the last pulls that brought something, the largest message of each */
  #largestBytes: number[] = [];

  constructor(client: JetStreamClient, durable: string) {
    this.#client = client;
    this.#durable = durable;
  }

  /** Resolves when the pull ended; rejects when the durable or the connection is gone, and then asks for the durable anew. */
  async pull(eventsMax: number, take: (incoming: Incoming) => void): Promise<void> {
    let messages: ConsumerMessages | undefined;
    let largest = 0;
    try {
      this.#consumer ??= await this.#client.consumers.get(EVENTS_STREAM, this.#durable);
      if (this.#stopped) return;
      const fitting = Math.max(1, Math.floor(PULL_BYTES_AIM / Math.max(1, ...this.#largestBytes)));
      messages = await this.#consumer.fetch({ max_messages: Math.min(eventsMax, fitting), expires: PULL_WAIT_MS });
      this.#pulling.add(messages);
      if (this.#stopped) messages.stop();
      for await (const message of messages) {
        largest = Math.max(largest, message.data.length);
        take(incomingOf(message));
      }
    } catch (error) {
      this.#consumer = undefined;
      throw error;
    } finally {
      if (messages !== undefined) this.#pulling.delete(messages);
      if (largest > 0) this.#largestBytes = [...this.#largestBytes, largest].slice(-LARGEST_OF_PULLS);
    }
  }

  stop(): void {
    this.#stopped = true;
    for (const messages of this.#pulling) messages.stop();
  }
}

/** What only a dead letter or a log asks for is made when it is asked for: of a million messages nobody does. */
export function incomingOf(message: JsMsg): Incoming {
  const { deliveryCount } = message.info;
  return {
    subject: message.subject,
    data: message.data,
    get headers() {
      return headersOf(message);
    },
    streamSeq: message.seq,
    deliveries: deliveryCount,
    publishedAtMs: message.time.getTime(),
    get storedId() {
      return `${message.seq}.${message.timestampNanos}`;
    },
    ack: async () => await message.ackAck({ timeout: ACK_CONFIRM_MS_MAX }),
    ackUnconfirmed: () => tell(() => message.ack()),
    retry: (delayMs) => tell(() => message.nak(delayMs)),
    working: () => tell(() => message.working()),
    terminate: (reason) => tell(() => message.term(reason)),
  };
}

/** On a closed connection nobody listens: the server delivers the message again once its ack timer ran out. */
function tell(what: () => void): void {
  try {
    what();
  } catch (error) {
    if (!(error instanceof ClosedConnectionError || error instanceof DrainingConnectionError)) throw error;
  }
}

function headersOf(message: JsMsg): (readonly [string, string])[] {
  const { headers } = message;
  if (headers === undefined) return [];
  return headers.keys().flatMap((name) => headers.values(name).map((value) => [name, value] as const));
}
