import { jetstream, jetstreamManager, type JetStreamClient } from '@nats-io/jetstream';
import { connect, headers, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node';
import {
  COMMANDS_STREAM,
  commandSubject,
  DEAD_LETTERS_STREAM,
  deadLetterSubject,
  signalsSubject,
} from '../../shared/contract/subjects.ts';
import { until } from './stack.ts';

/** A backend that speaks with a system over NATS alone, as contract §5 says, and knows nothing else of it. */

const PUBLISH_MS_MAX = 5_000;
const REPLY_MS_MAX = 60_000;

export interface BackendCommand {
  command: string;
  data?: unknown;
  actor: { id: string; name?: string; kind: string };
  commandId?: string;
  correlationId?: string;
  traceparent?: string;
}

export interface BackendReply {
  body: Record<string, unknown>;
  headers: Record<string, string>;
}

export interface Letter {
  body: string;
  headers: Record<string, string>;
}

const plain = (all: MsgHdrs | undefined): Record<string, string> =>
  Object.fromEntries((all?.keys() ?? []).map((name) => [name, all?.get(name) ?? '']));

export class Backend {
  readonly connection: NatsConnection;
  readonly #client: JetStreamClient;
  readonly #tenant: string;
  #replies = 0;

  private constructor(connection: NatsConnection, tenant: string) {
    this.connection = connection;
    this.#client = jetstream(connection);
    this.#tenant = tenant;
  }

  static async connect(server: string, tenant = 'default'): Promise<Backend> {
    return new Backend(await connect({ servers: server, maxReconnectAttempts: -1, reconnectTimeWait: 100 }), tenant);
  }

  /** Waits until the stream takes commands. */
  async ready(): Promise<void> {
    const manager = await jetstreamManager(this.connection, { checkAPI: false });
    const isThere = async (): Promise<boolean> => {
      try {
        await manager.consumers.info(COMMANDS_STREAM, 'relay');
        return true;
      } catch {
        return false;
      }
    };
    await until('the relay has its durable', isThere, REPLY_MS_MAX);
  }

  /** Hands a command over; resolves once the stream has it. */
  async publish(sessionId: string, command: BackendCommand | string, more: Record<string, string> = {}): Promise<void> {
    const all = headers();
    for (const [name, value] of Object.entries(more)) all.set(name, value);
    const payload = typeof command === 'string' ? command : JSON.stringify(command);
    const subject = commandSubject(this.#tenant, sessionId);
    await this.#client.publish(subject, payload, { headers: all, timeout: PUBLISH_MS_MAX });
  }

  /** The same, and waits for what became of it. */
  async ask(sessionId: string, command: BackendCommand | string, more: Record<string, string> = {}): Promise<BackendReply> {
    this.#replies += 1;
    const subject = `backend.replies.${process.pid}.${this.#replies}`;
    const replies = this.connection.subscribe(subject, { max: 1 });
    const timer = setTimeout(() => replies.unsubscribe(), REPLY_MS_MAX);
    try {
      await this.publish(sessionId, command, { 'Millrace-Reply': subject, ...more });
      for await (const message of replies) {
        return { body: message.json<Record<string, unknown>>(), headers: plain(message.headers) };
      }
    } finally {
      clearTimeout(timer);
    }
    throw new Error(`no reply within ${REPLY_MS_MAX} ms`);
  }

  signal(sessionId: string, signal: object): void {
    this.connection.publish(signalsSubject(this.#tenant, sessionId), JSON.stringify(signal));
  }

  /** Commands that are not settled yet. */
  async waiting(): Promise<number> {
    const manager = await jetstreamManager(this.connection);
    return (await manager.streams.info(COMMANDS_STREAM)).state.messages;
  }

  /** What the relay buried, oldest first. */
  async letters(): Promise<Letter[]> {
    const manager = await jetstreamManager(this.connection);
    const { state } = await manager.streams.info(DEAD_LETTERS_STREAM);
    const letters: Letter[] = [];
    for (let seq = Math.max(1, state.first_seq); seq <= state.last_seq; seq += 1) {
      const stored = await manager.streams.getMessage(DEAD_LETTERS_STREAM, { seq });
      if (stored?.subject !== deadLetterSubject('relay')) continue;
      letters.push({ body: new TextDecoder().decode(stored.data), headers: plain(stored.header) });
    }
    return letters;
  }

  async close(): Promise<void> {
    await this.connection.close();
  }
}
