import { JetStreamError, type Consumer, type ConsumerMessages, type JetStreamClient, type JsMsg } from '@nats-io/jetstream';
import { ClosedConnectionError, DrainingConnectionError } from '@nats-io/transport-node';
import { EVENTS_STREAM } from '../../shared/contract/subjects.ts';
import type { Incoming } from './incoming.ts';
import type { Source } from './runner.ts';

/** one pull asks for at most this much; the client counts at most 100 messages per pull bounded by bytes */
const PULL_BYTES_MAX = 8 * 1024 * 1024;
export const PULL_EVENTS_MAX = 100;
/** an empty pull ends after this, so that a stop or a vanished durable is noticed */
const PULL_WAIT_MS = 5_000;
const ACK_CONFIRM_MS_MAX = 5_000;

/** The server's message is larger than what is left of a pull's bytes: the pull's regular end. */
const PULL_ENDED_STATUS = 409;

/** Pulls from a durable. A pull in progress is bounded in messages and bytes; a stopped one ends at once. */
export class JetStreamSource implements Source {
  readonly #client: JetStreamClient;
  readonly #durable: string;
  #consumer: Consumer | undefined;
  #pulling: ConsumerMessages | undefined;
  #stopped = false;

  constructor(client: JetStreamClient, durable: string) {
    this.#client = client;
    this.#durable = durable;
  }

  /** Resolves when the pull ended; rejects when the durable or the connection is gone, and then asks for the durable anew. */
  async pull(eventsMax: number, take: (incoming: Incoming) => void): Promise<void> {
    let taken = 0;
    try {
      this.#consumer ??= await this.#client.consumers.get(EVENTS_STREAM, this.#durable);
      if (this.#stopped) return;
      const limit = eventsMax < PULL_EVENTS_MAX ? { max_messages: eventsMax } : { max_bytes: PULL_BYTES_MAX };
      this.#pulling = await this.#consumer.fetch({ ...limit, expires: PULL_WAIT_MS });
      for await (const message of this.#pulling) {
        taken += 1;
        take(incomingOf(message));
      }
    } catch (error) {
      if (taken > 0 && error instanceof JetStreamError && 'code' in error && error.code === PULL_ENDED_STATUS) return;
      this.#consumer = undefined;
      throw error;
    } finally {
      this.#pulling = undefined;
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#pulling?.stop();
  }
}

export function incomingOf(message: JsMsg): Incoming {
  return {
    subject: message.subject,
    data: message.data,
    headers: headersOf(message),
    streamSeq: message.seq,
    deliveries: message.info.deliveryCount,
    publishedAtMs: message.time.getTime(),
    storedId: `${message.seq}.${message.timestampNanos}`,
    ack: async () => await message.ackAck({ timeout: ACK_CONFIRM_MS_MAX }),
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
