import { JetStreamApiCodes, JetStreamApiError, type JetStreamClient, type JetStreamManager } from '@nats-io/jetstream';
import { NoRespondersError, TimeoutError, type Msg, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node';
import { TimedOut, type Call } from '../network.ts';
import type { SimulatedConsumer, ConsumerSettings } from './consumer.ts';
import { fetchFrom, headersOf, type Wire } from './messages.ts';
import { NoResponders, type Responder } from './server.ts';
import { StreamFull, subjectMatches, type SimulatedStream, type StoredMessage } from './stream.ts';

const CALL_MS_DEFAULT = 5_000;
const NANOS_PER_MS = 1_000_000;
const MAX_PAYLOAD_BYTES = 1024 * 1024;
const ACK_WAIT_MS_DEFAULT = 30_000;
const ACK_PENDING_DEFAULT = 1_000;
const DUPLICATE_WINDOW_MS_DEFAULT = 120_000;
/** JetStream's own error code for `maximum bytes exceeded` */
const STREAM_STORE_FAILED = 10077;

const LETTER_FAULTS = { lost: 'letter-lost', answerLost: 'letter-unconfirmed' } as const;

interface StreamConfig {
  name: string;
  subjects?: string[];
  max_bytes?: number;
  duplicate_window?: number;
}

interface ConsumerConfig {
  durable_name?: string;
  name?: string;
  filter_subject?: string;
  filter_subjects?: string | string[];
  deliver_policy?: string;
  opt_start_seq?: number;
  opt_start_time?: string;
  ack_policy?: string;
  ack_wait?: number;
  max_ack_pending?: number;
}

/**
 * What one process has of the NATS client's objects, on the simulated server: those methods that the consumers call. One that
 * is missing throws a TypeError that names it.
 */
export function natsClientOf(wire: Wire): { connection: NatsConnection; client: JetStreamClient; manager: JetStreamManager } {
  // partial on purpose: the product calls no more than this
  return {
    connection: connectionOf(wire) as unknown as NatsConnection,
    client: jetStreamOf(wire) as unknown as JetStreamClient,
    manager: managerOf(wire) as unknown as JetStreamManager,
  };
}

function connectionOf({ machine, network, server, world }: Wire): object {
  return {
    get info() {
      return { max_payload: MAX_PAYLOAD_BYTES, server_id: server.startId };
    },
    subscribe(subject: string, { callback }: { callback: (error: Error | null, message: Msg) => void }) {
      const responder: Responder = {
        subject,
        machine,
        take(data, respond) {
          const answered = (answer: string): void => {
            if (network.isCut(machine.node, 'nats')) return;
            world.clock.after(network.latencyMs(), () => respond(answer));
          };
          // of a message the responders use no more than these
          machine.hand(() => callback(null, { data, subject, respond: answered } as unknown as Msg));
        },
      };
      server.responders.add(responder);
      const leave = (): void => void server.responders.delete(responder);
      machine.onDeath(leave);
      return { drain: async () => await Promise.resolve(leave()), unsubscribe: leave };
    },
    async request(subject: string, payload: string, { timeout }: { timeout: number }) {
      const call = {
        from: machine,
        to: 'nats',
        what: `request to ${subject}`,
        timeoutMs: timeout,
        crash: 'worker-crash',
      } as const;
      const data = new TextEncoder().encode(payload);
      try {
        const reply = await network.call(
          call,
          async () => await server.request(subject, data, (node) => network.isCut('nats', node)),
        );
        return { json: () => JSON.parse(reply) as unknown };
      } catch (error) {
        if (error instanceof NoResponders) throw new NoRespondersError(subject);
        throw error instanceof TimedOut ? new TimeoutError() : error;
      }
    },
  };
}

/** A call of the JetStream API, or a publish: one round trip. */
async function ask<T>(
  { machine, network, server }: Wire,
  what: string,
  timeoutMs: number,
  effect: () => T,
  faults: Partial<Call> = {},
): Promise<T> {
  return await network.call({ from: machine, to: 'nats', what, timeoutMs, crash: 'worker-crash', ...faults }, () => {
    server.demandUp();
    return effect();
  });
}

function jetStreamOf(wire: Wire): object {
  const { server } = wire;
  const consumerOf = (stream: string, name: string): object => {
    const find = (): SimulatedConsumer | undefined => server.streams.get(stream)?.consumers.get(name);
    return {
      info: async () =>
        await ask(wire, `info of ${name}`, CALL_MS_DEFAULT, () => infoOfConsumer(stream, consumerNamed(wire, stream, name))),
      fetch: async (options: { max_messages?: number; max_bytes?: number; expires?: number }) =>
        await Promise.resolve(fetchFrom(wire, find, options)),
    };
  };
  return {
    jetstreamManager: async () => await Promise.resolve(managerOf(wire)),
    publish: async (subject: string, payload: Uint8Array | string, options: PublishOptions = {}) => {
      const faults = subject.startsWith('millrace.dead.') ? LETTER_FAULTS : {};
      const timeoutMs = options.timeout ?? CALL_MS_DEFAULT;
      return await ask(wire, `publish to ${subject}`, timeoutMs, () => publishTo(wire, subject, payload, options), faults);
    },
    consumers: {
      get: async (stream: string, name: string) => {
        await ask(wire, `find ${name}`, CALL_MS_DEFAULT, () => consumerNamed(wire, stream, name));
        return consumerOf(stream, name);
      },
      getConsumerFromInfo: ({ stream_name, name }: { stream_name: string; name: string }) => consumerOf(stream_name, name),
    },
  };
}

interface PublishOptions {
  msgID?: string;
  headers?: MsgHdrs;
  timeout?: number;
}

function publishTo({ server }: Wire, subject: string, payload: Uint8Array | string, options: PublishOptions): object {
  const data = typeof payload === 'string' ? new TextEncoder().encode(payload) : payload;
  try {
    const stored = server.publish({
      subject,
      data,
      ...(options.headers === undefined ? {} : { headers: options.headers }),
      ...(options.msgID === undefined ? {} : { msgId: options.msgID }),
    });
    if (stored === undefined) throw new Error('no responders');
    return stored;
  } catch (error) {
    if (error instanceof StreamFull) throw apiError(503, STREAM_STORE_FAILED, error.message);
    throw error;
  }
}

function managerOf(wire: Wire): object {
  const { server, world } = wire;
  const call = async <T>(what: string, effect: () => T): Promise<T> => await ask(wire, what, CALL_MS_DEFAULT, effect);
  return {
    streams: {
      info: async (name: string) => await call(`info of ${name}`, () => infoOfStream(streamNamed(wire, name), server.now())),
      add: async (config: StreamConfig) =>
        await call(`make ${config.name}`, () => {
          if (!server.streams.has(config.name)) server.addStream(streamSettingsOf(config), config);
          return infoOfStream(streamNamed(wire, config.name), server.now());
        }),
      update: async (name: string) => await call(`update ${name}`, () => infoOfStream(streamNamed(wire, name), server.now())),
      delete: async (name: string) => await call(`delete ${name}`, () => server.deleteStream(name)),
      purge: async (name: string, options?: { seq?: number }) =>
        await call(`purge ${name}`, () => ({
          purged: streamNamed(wire, name).purgeBelow(options?.seq ?? Number.MAX_SAFE_INTEGER),
        })),
      deleteMessage: async (name: string, seq: number) =>
        await call(`remove ${name} ${seq}`, () => server.remove(streamNamed(wire, name).settings.name, seq)),
      getMessage: async (name: string, query: { seq?: number; last_by_subj?: string; next_by_subj?: string }) =>
        await call(`read ${name} ${query.seq ?? query.last_by_subj ?? ''}`, () => storedMessage(streamNamed(wire, name), query)),
    },
    consumers: {
      info: async (stream: string, name: string) =>
        await call(`info of ${name}`, () => infoOfConsumer(stream, consumerNamed(wire, stream, name))),
      add: async (stream: string, config: ConsumerConfig) =>
        await call(`make ${config.durable_name ?? 'a reader'}`, () => {
          const found = streamNamed(wire, stream);
          const settings = settingsOf({ name: `reader-${world.newId()}`, ...config }, found);
          const there = found.consumers.get(settings.name);
          return infoOfConsumer(stream, there ?? server.addConsumer(found, settings, config));
        }),
      delete: async (stream: string, name: string) =>
        await call(`delete ${name}`, () => streamNamed(wire, stream).consumers.delete(name)),
    },
  };
}

function storedMessage(
  stream: SimulatedStream,
  query: { seq?: number; last_by_subj?: string; next_by_subj?: string },
): object | null {
  const found = findMessage(stream, query);
  // the real client answers null for what is not there
  if (found === undefined) return null;
  return {
    ...found,
    header: headersOf(found),
    time: new Date(found.atMs),
    timestamp: new Date(found.atMs).toISOString(),
  };
}

function findMessage(
  stream: SimulatedStream,
  { seq, last_by_subj, next_by_subj }: { seq?: number; last_by_subj?: string; next_by_subj?: string },
): StoredMessage | undefined {
  if (last_by_subj !== undefined) return [...stream.messages.values()].findLast(({ subject }) => subject === last_by_subj);
  if (next_by_subj !== undefined) {
    return [...stream.messages.values()].find((each) => each.seq >= (seq ?? 1) && subjectMatches(next_by_subj, each.subject));
  }
  return seq === undefined ? undefined : stream.messages.get(seq);
}

function streamNamed({ server }: Wire, name: string): SimulatedStream {
  const stream = server.streams.get(name);
  if (stream === undefined) throw apiError(404, JetStreamApiCodes.StreamNotFound, 'stream not found');
  return stream;
}

function consumerNamed(wire: Wire, stream: string, name: string): SimulatedConsumer {
  const consumer = streamNamed(wire, stream).consumers.get(name);
  if (consumer === undefined) throw apiError(404, JetStreamApiCodes.ConsumerNotFound, 'consumer not found');
  return consumer;
}

function apiError(code: number, errCode: number, description: string): JetStreamApiError {
  return new JetStreamApiError({ code, err_code: errCode, description });
}

function streamSettingsOf(config: StreamConfig) {
  return {
    name: config.name,
    subjects: config.subjects ?? [],
    bytesMax: config.max_bytes ?? Number.MAX_SAFE_INTEGER,
    duplicateWindowMs:
      config.duplicate_window === undefined ? DUPLICATE_WINDOW_MS_DEFAULT : config.duplicate_window / NANOS_PER_MS,
  };
}

function settingsOf(config: ConsumerConfig, stream: SimulatedStream): ConsumerSettings {
  const filters = config.filter_subjects ?? config.filter_subject ?? [];
  return {
    name: config.durable_name ?? config.name ?? '',
    filters: typeof filters === 'string' ? [filters] : filters,
    ackWaitMs: config.ack_wait === undefined ? ACK_WAIT_MS_DEFAULT : config.ack_wait / NANOS_PER_MS,
    ackPendingMax: config.max_ack_pending ?? ACK_PENDING_DEFAULT,
    startSeq:
      config.opt_start_time === undefined ? (config.opt_start_seq ?? 1) : firstSince(stream, Date.parse(config.opt_start_time)),
    acks: config.ack_policy !== 'none',
  };
}

function firstSince(stream: SimulatedStream, atMs: number): number {
  for (const message of stream.messages.values()) if (message.atMs >= atMs) return message.seq;
  return stream.lastSeq + 1;
}

function infoOfStream(stream: SimulatedStream, nowMs: number): object {
  return {
    config: {
      num_replicas: 1,
      duplicate_window: stream.settings.duplicateWindowMs * NANOS_PER_MS,
      max_bytes: stream.settings.bytesMax,
      ...stream.config,
    },
    created: new Date(stream.createdMs).toISOString(),
    ts: new Date(nowMs).toISOString(),
    state: {
      messages: stream.messages.size,
      bytes: stream.bytes,
      first_seq: stream.firstSeq,
      last_seq: stream.lastSeq,
      last_ts: new Date(stream.messages.get(stream.lastSeq)?.atMs ?? 0).toISOString(),
      ...deletedOf(stream),
      consumer_count: stream.consumers.size,
    },
  };
}

function deletedOf(stream: SimulatedStream): { num_deleted: number; deleted: number[] } {
  const deleted: number[] = [];
  for (let seq = stream.firstSeq; seq <= stream.lastSeq; seq += 1) if (!stream.messages.has(seq)) deleted.push(seq);
  return { num_deleted: deleted.length, deleted };
}

function infoOfConsumer(streamName: string, consumer: SimulatedConsumer): object {
  return {
    stream_name: streamName,
    name: consumer.settings.name,
    config: consumer.config,
    created: new Date(consumer.createdMs).toISOString(),
    delivered: { stream_seq: consumer.deliveredSeq, consumer_seq: consumer.deliveredSeq },
    ack_floor: { stream_seq: consumer.ackFloor, consumer_seq: consumer.ackFloor },
    num_ack_pending: consumer.ackPending,
    num_redelivered: consumer.redelivered,
    num_pending: consumer.waiting,
  };
}
