import { DeliverPolicy, jetstream, jetstreamManager, type StoredMsg } from '@nats-io/jetstream';
import { connect, createInbox, headers, type Msg, type NatsConnection } from '@nats-io/transport-node';
import { z } from 'zod';
import { eventually } from './eventually.ts';
import type { Person } from './people.ts';
import { event, type WireEvent } from './schemas.ts';

const REPLY_MS_MAX = 60_000;
const STORED_EVENTS_MAX = 5_000;

const LETTER_HEADERS = ['Reason', 'Error', 'Attempts', 'Subject', 'Stream-Seq', 'First-Failed-At'] as const;

export interface Published {
  command: string;
  data: unknown;
  actor: { id: string; name?: string; kind?: string };
  commandId?: string;
  correlationId?: string;
  traceparent?: string;
}

/** What a backend does with NATS (contract §5). */
export class Backend {
  readonly connection: NatsConnection;

  private constructor(connection: NatsConnection) {
    this.connection = connection;
  }

  static async at(url: string): Promise<Backend> {
    return new Backend(await connect({ servers: url, maxReconnectAttempts: -1 }));
  }

  async close(): Promise<void> {
    await this.connection.close();
  }

  /** Publishes a command and waits for what comes to `Millrace-Reply`. */
  async command(tenant: string, sessionId: string, payload: unknown, key?: string): Promise<unknown> {
    const inbox = createInbox();
    const subscription = this.connection.subscribe(inbox, { max: 1, timeout: REPLY_MS_MAX });
    await this.publish(tenant, sessionId, JSON.stringify(payload), key, inbox);
    for await (const reply of subscription) return JSON.parse(reply.string()) as unknown;
    throw new Error('the reply subject ended without a reply');
  }

  async publish(tenant: string, sessionId: string, payload: string, key?: string, reply?: string): Promise<void> {
    const all = headers();
    if (key !== undefined) all.set('Millrace-Idempotency-Key', key);
    if (reply !== undefined) all.set('Millrace-Reply', reply);
    await jetstream(this.connection).publish(`millrace.commands.${tenant}.${sessionId}`, payload, { headers: all });
  }

  /** Every stored message of the session on a stream, in the stream's order, once there are `count` of different ids. */
  async stored(stream: string, subject: string, count: number): Promise<Stored[]> {
    const manager = await jetstreamManager(this.connection);
    return eventually(`${count} messages on ${subject}`, async () => {
      const { state } = await manager.streams.info(stream, { subjects_filter: subject });
      const total = Object.values(state.subjects ?? {}).reduce((sum, each) => sum + each, 0);
      if (total < count) return false;
      const consumer = await jetstream(this.connection).consumers.get(stream, {
        filter_subjects: [subject],
        deliver_policy: DeliverPolicy.All,
      });
      const found: Stored[] = [];
      const messages = await consumer.fetch({ max_messages: Math.min(total, STORED_EVENTS_MAX), expires: 5_000 });
      for await (const each of messages) {
        found.push({ subject: each.subject, data: each.string(), header: (name) => each.headers?.get(name) ?? '' });
      }
      return new Set(found.map((each) => each.header('Nats-Msg-Id') || each.data)).size >= count && found;
    });
  }

  /** The session's events as JetStream holds them: once each, by seq. */
  async events(tenant: string, sessionId: string, count: number): Promise<WireEvent[]> {
    const stored = await this.stored('MILLRACE_EVENTS', `millrace.events.${tenant}.*.*.${sessionId}`, count);
    const byId = new Map(stored.map(({ data }) => event.parse(JSON.parse(data))).map((each) => [each.id, each]));
    return [...byId.values()].toSorted((a, b) => a.seq - b.seq);
  }

  /** Dead letters of a consumer for which `is` holds, once there is one. Reads from the newest back. */
  async deadLetter(consumer: string, is: (letter: StoredMsg) => boolean): Promise<StoredMsg> {
    const manager = await jetstreamManager(this.connection);
    const seen = new Set<number>();
    return eventually(`the dead letter of ${consumer}`, async () => {
      const { state } = await manager.streams.info('MILLRACE_DEAD_LETTERS');
      for (let seq = state.last_seq; seq >= state.first_seq; seq -= 1) {
        if (seen.has(seq)) continue;
        seen.add(seq);
        const letter = await manager.streams.getMessage('MILLRACE_DEAD_LETTERS', { seq });
        if (letter !== null && letter.subject === `millrace.dead.${consumer}` && is(letter)) return letter;
      }
      return undefined;
    });
  }
}

export interface Stored {
  subject: string;
  data: string;
  header(name: string): string;
}

/** The headers that every dead letter has, by their short names. */
export function letterHeaders(letter: StoredMsg): Record<(typeof LETTER_HEADERS)[number], string> {
  const entries = LETTER_HEADERS.map((name) => [name, letter.header.get(`Millrace-${name}`)]);
  return z.record(z.enum(LETTER_HEADERS), z.string().min(1)).parse(Object.fromEntries(entries));
}

export function natsActor({ id, claims }: Person): Published['actor'] {
  return { id, ...(claims.name === undefined ? {} : { name: claims.name }), kind: claims.kind ?? 'user' };
}

export function signalOf(message: Msg): unknown {
  return JSON.parse(message.string()) as unknown;
}
