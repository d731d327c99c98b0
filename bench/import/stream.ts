import { spawn } from 'node:child_process';
import { jetstream, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connect, headers, type NatsConnection } from '@nats-io/transport-node';
import { ensureStreams } from '../../consumers/runtime/streams.ts';
import { ensureNatsServer } from '../../scripts/launch/nats.mjs';
import { freePorts } from '../../scripts/supervisor/ports.ts';
import {
  CLOUDEVENTS_CONTENT_TYPE,
  DEAD_LETTERS_STREAM,
  EVENTS_STREAM,
  eventSubject,
  RECEIPTS_STREAM,
} from '../../shared/contract/subjects.ts';
import { importedEvents } from './events.ts';

/** A nats-server of the bench's own, and what the consumers read from it. */

const HOST = '127.0.0.1';
const START_MS_MAX = 15_000;
const RETRY_MS = 100;
/** the server queues so many before it writes them, and drops what comes beyond 10,000 */
const CHUNK_EVENTS = 4_000;
const PUBLISH_MS_MAX = 30_000;
const STREAM_BYTES = 4 * 1024 ** 3;

export interface EventStream {
  url: string;
  manager: JetStreamManager;
  /** Fills it; answers the bytes of all payloads. */
  fill(events: number): Promise<number>;
  /** As if nobody had read yet, and nothing had been told. */
  forgetReaders(durable: string): Promise<void>;
  deadLetters(): Promise<number>;
  stop(): Promise<void>;
}

export async function startStream(directory: string): Promise<EventStream> {
  const binary = await ensureNatsServer();
  const [port = 0] = await freePorts(1);
  const server = spawn(binary, ['-a', HOST, '-p', String(port), '-js', '-sd', directory], { stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  const url = `nats://${HOST}:${port}`;
  const stop = async (): Promise<void> => {
    server.kill('SIGTERM');
    await ended;
  };
  try {
    const connection = await connected(url);
    const manager = await jetstreamManager(connection);
    await ensureStreams(manager, { eventsMaxBytes: STREAM_BYTES }, () => {});
    return {
      url,
      manager,
      fill: async (events) => await fill(connection, manager, events),
      async forgetReaders(durable) {
        await manager.consumers.delete(EVENTS_STREAM, durable).catch(() => false);
        await manager.streams.purge(RECEIPTS_STREAM);
        await manager.streams.purge(DEAD_LETTERS_STREAM);
      },
      deadLetters: async () => (await manager.streams.info(DEAD_LETTERS_STREAM)).state.messages,
      async stop() {
        await connection.close();
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function connected(url: string): Promise<NatsConnection> {
  for (const untilMs = Date.now() + START_MS_MAX; ;) {
    try {
      return await connect({ servers: [url], timeout: 1_000 });
    } catch (error) {
      if (Date.now() > untilMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

/** Each chunk's last event alone is acknowledged: the server stores them in the order in which they come. */
async function fill(connection: NatsConnection, manager: JetStreamManager, events: number): Promise<number> {
  const client = jetstream(connection);
  const encoder = new TextEncoder();
  let [bytes, count] = [0, 0];
  for (const event of importedEvents(events)) {
    const payload = encoder.encode(JSON.stringify(event));
    bytes += payload.length;
    count += 1;
    const said = headers();
    said.set('Content-Type', CLOUDEVENTS_CONTENT_TYPE);
    said.set('Nats-Msg-Id', event.id);
    const subject = eventSubject(event.tenant, event.type, event.sessionid);
    const isLast = count % CHUNK_EVENTS === 0 || count === events;
    if (isLast) await client.publish(subject, payload, { headers: said, timeout: PUBLISH_MS_MAX });
    else connection.publish(subject, payload, { headers: said });
  }
  const { state } = await manager.streams.info(EVENTS_STREAM);
  if (state.messages !== events) throw new Error(`the stream has ${state.messages} of ${events} events`);
  return bytes;
}
