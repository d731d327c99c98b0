import type { ConsumerMessages, JetStreamClient, JsMsg } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { COMMANDS_STREAM } from '../../shared/contract/subjects.ts';
import { backoffMs, wait } from '../runtime/backoff.ts';
import type { Incoming } from '../runtime/incoming.ts';
import { incomingOf } from '../runtime/jetstream-source.ts';
import { describe, type Log } from '../runtime/log.ts';
import { RELAY_DURABLE } from './relay.ts';

export const RELAY_GROUP = 'relay';
/** without a pull for so long the pinned relay counts as gone, and the next one gets the messages */
export const PIN_MS = 6_000;
/** a pull that brought nothing is repeated after this, also to keep the pin: the server's bound of messages out ends no pull */
const PULL_WAIT_MS = 2_000;
const PULL_COMMANDS_MAX = 200;
const PULL_RETRY_BOUNDS = { minMs: 200, maxMs: 5_000 };

/** on each message that the server gives to a pinned client */
const PIN_HEADER = 'Nats-Pin-Id';

export interface SourcePorts {
  connection: NatsConnection;
  client: JetStreamClient;
  take: (incoming: Incoming, tenure: string) => void;
  /** what came so far and what comes next need not be neighbours */
  interrupted: () => void;
  /** makes stream and durable where they are missing */
  ensure: () => Promise<void>;
  log: Log;
}

/**
 * Pulls as one of a pinned priority group: all relays ask, one is given messages, the others stand by. The client keeps the
 * pin's id from pull to pull, which `fetch` would not: hence one `consume` for as long as it lasts.
 */
export class PinnedSource {
  readonly #ports: SourcePorts;
  readonly #stop = new AbortController();
  #messages: ConsumerMessages | undefined;
  #running: Promise<void> | undefined;
  #connections = 0;
  #pinId = '';

  constructor(ports: SourcePorts) {
    this.#ports = ports;
  }

  /** The pin under which messages came last; empty when none did. */
  get pinId(): string {
    return this.#pinId;
  }

  start(): void {
    if (this.#running !== undefined) return;
    this.#running = this.#pull();
    this.#watchConnection().catch((error: unknown) =>
      this.#ports.log('error', 'cannot watch the NATS connection', { error: describe(error) }),
    );
  }

  /** Nothing is handed over once this resolved. Never rejects. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#messages?.stop();
    await this.#running;
  }

  async #pull(): Promise<void> {
    const { client, log, ensure } = this.#ports;
    const { signal } = this.#stop;
    for (let failures = 0; !signal.aborted;) {
      try {
        const consumer = await client.consumers.get(COMMANDS_STREAM, RELAY_DURABLE);
        if (signal.aborted) return;
        const messages = await consumer.consume({
          group: RELAY_GROUP,
          max_messages: PULL_COMMANDS_MAX,
          expires: PULL_WAIT_MS,
          // a durable or a stream that is gone ends it, and is made again below
          abort_on_missing_resource: true,
          callback: (message) => this.#take(message),
        });
        this.#messages = messages;
        if (failures > 0) log('info', 'pulling again');
        failures = 0;
        const ended = await messages.closed();
        if (ended instanceof Error) throw ended;
        return;
      } catch (error) {
        if (signal.aborted) return;
        this.#ports.interrupted();
        failures += 1;
        if (failures === 1) log('warn', 'cannot pull', { error: describe(error) });
        await wait(backoffMs(failures, PULL_RETRY_BOUNDS, Math.random()), signal);
        await ensure().catch((cause: unknown) => log('warn', 'cannot look after stream and durable', { error: describe(cause) }));
      }
    }
  }

  #take(message: JsMsg): void {
    if (this.#stop.signal.aborted) return;
    const incoming = incomingOf(message);
    const pinId = message.headers?.get(PIN_HEADER) ?? '';
    if (pinId !== this.#pinId) this.#ports.log('info', 'the active relay', { pin: pinId });
    this.#pinId = pinId;
    // the server's, for this delivery only: no part of the message
    const headers = incoming.headers.filter(([name]) => name !== PIN_HEADER);
    this.#ports.take({ ...incoming, headers }, `${this.#connections}.${pinId}`);
  }

  /** What a broken connection had in it is lost to us, and comes again later than its neighbours. Ends with the connection. */
  async #watchConnection(): Promise<void> {
    for await (const { type } of this.#ports.connection.status()) {
      if (type !== 'disconnect' && type !== 'reconnect') continue;
      this.#connections += 1;
      this.#ports.interrupted();
    }
  }
}
