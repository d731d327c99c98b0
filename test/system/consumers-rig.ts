import { spawn, type ChildProcess } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, headers, type NatsConnection } from '@nats-io/transport-node';
import { findNatsServer } from '../../scripts/launch/nats.mjs';
import { freePorts } from '../../scripts/supervisor/ports.ts';
import {
  notificationsRequest,
  receiptsRequest,
  SIGNATURE_HEADER,
  TIMESTAMP_HEADER,
  type Receipt,
} from '../../shared/contract/internal.ts';
import { CLOUDEVENTS_CONTENT_TYPE, DEAD_LETTERS_STREAM, eventSubject } from '../../shared/contract/subjects.ts';
import type { Event } from '../../shared/core/types.ts';
import { until } from '../support/stack.ts';

/** Real nats-server and consumer processes, and a stand-in for the edge that takes signed receipts. */

const ROOT = join(import.meta.dirname, '../..');
const SECRET = 'a-secret-of-the-tests-of-consumers';
const ENDED_MS_MAX = 20_000;
const PUBLISH_MS_MAX = 2_000;

export interface Taken {
  receipt: Receipt;
  atMs: number;
}

export interface Letter {
  payload: Uint8Array;
  headers: Record<string, string>;
  subject: string;
}

export class EdgeStandIn {
  readonly taken: Taken[] = [];
  /** calls whose signature was wrong, or whose body was no receipts */
  refused = 0;
  /** while true, calls are answered 503 */
  away = false;
  /** the same of notifications alone */
  deaf = false;
  /** calls wait for it before they are answered */
  gate: Promise<void> = Promise.resolve();
  /** calls that have come and are not answered, by their path */
  readonly inHand: string[] = [];
  /** sessions of which it was told that they have news */
  readonly notified = new Set<string>();
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      this.#take(request).then(
        (status) => response.writeHead(status, { 'Content-Type': 'application/json' }).end('{"failed":[],"left":[]}'),
        () => response.writeHead(500).end(),
      );
    });
  }

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** every seq of a session that was told, in rising order */
  seqsOf(sessionId: string): number[] {
    const seqs = this.#of(sessionId).flatMap(({ seqs: ranges }) => ranges.flatMap(([from, to]) => numbers(from, to)));
    return [...new Set(seqs)].toSorted((a, b) => a - b);
  }

  failuresOf(sessionId: string): string[] {
    const failures = this.#of(sessionId).flatMap((receipt) => receipt.failures ?? []);
    return [...new Set(failures.map(({ seq, code }) => `${seq} ${code}`))].toSorted();
  }

  #of(sessionId: string): Receipt[] {
    return this.taken.map(({ receipt }) => receipt).filter((receipt) => receipt.sessionId === sessionId);
  }

  async #take(request: IncomingMessage): Promise<number> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const path = request.url ?? '';
    this.inHand.push(path);
    await this.gate;
    this.inHand.splice(this.inHand.indexOf(path), 1);
    if (this.away) return 503;
    const body = Buffer.concat(chunks).toString();
    const timestamp = String(request.headers[TIMESTAMP_HEADER.toLowerCase()]);
    const signature = createHmac('sha256', SECRET).update(`${timestamp}.${body}`).digest('hex');
    const isSigned = request.headers[SIGNATURE_HEADER.toLowerCase()] === signature;
    if (isSigned && request.url === '/internal/notifications') return this.#takeNotifications(body);
    const parsed = receiptsRequest.safeParse(JSON.parse(body));
    if (!isSigned || request.url !== '/internal/receipts' || !parsed.success) {
      this.refused += 1;
      return 401;
    }
    for (const receipt of parsed.data.receipts) this.taken.push({ receipt, atMs: Date.now() });
    return 200;
  }

  #takeNotifications(body: string): number {
    if (this.deaf) return 503;
    const { sessions } = notificationsRequest.parse(JSON.parse(body));
    for (const { sessionId } of sessions) this.notified.add(sessionId);
    return 200;
  }
}

export class Rig {
  readonly edge = new EdgeStandIn();
  /** every line the consumers wrote */
  output = '';
  #directory = '';
  #edgeUrl = '';
  #natsPort = 0;
  #connection: NatsConnection | undefined;
  readonly #children = new Set<ChildProcess>();

  async prepare(): Promise<void> {
    this.#directory = await mkdtemp(join(tmpdir(), 'millrace-consumers-'));
    this.#edgeUrl = await this.edge.listen();
    [this.#natsPort = 0] = await freePorts(1);
  }

  get dataDir(): string {
    return join(this.#directory, 'data');
  }

  /** where JetStream keeps what it has */
  get natsDir(): string {
    return join(this.#directory, 'nats');
  }

  startNats(jetStream = true): ChildProcess {
    const binary = findNatsServer();
    if (binary === undefined) throw new Error('there is no nats-server');
    const args = ['-a', '127.0.0.1', '-p', String(this.#natsPort)];
    return this.#spawn(binary, jetStream ? [...args, '-js', '-sd', this.natsDir] : args, {});
  }

  get consumerVariables(): Record<string, string> {
    return {
      NATS_URL: `nats://127.0.0.1:${this.#natsPort}`,
      EDGE_URL: this.#edgeUrl,
      INTERNAL_SECRET: SECRET,
      DATA_DIR: this.dataDir,
      METRICS_PORT: '0',
      EVENTS_MAX_BYTES: String(256 * 1024 ** 2),
    };
  }

  /** `root`: where the sources are */
  startConsumers(roles = 'history,query', root = ROOT): ChildProcess {
    const child = this.#spawn(process.execPath, [join(root, 'consumers/main.ts'), '--roles', roles], this.consumerVariables);
    child.stdout?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    return child;
  }

  /** how often a line with this message was written */
  said(msg: string): number {
    return this.output.split('\n').filter((line) => line.includes(`"msg":"${msg}"`)).length;
  }

  async kill(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
    const ended = once(child, 'exit', { signal: AbortSignal.timeout(ENDED_MS_MAX) });
    child.kill(signal);
    await ended;
    this.#children.delete(child);
    return child.exitCode;
  }

  async nats(): Promise<NatsConnection> {
    this.#connection ??= await connect({
      servers: `127.0.0.1:${this.#natsPort}`,
      maxReconnectAttempts: -1,
      waitOnFirstConnect: true,
      reconnectTimeWait: 100,
    });
    return this.#connection;
  }

  /** As the edge does; `again` is a copy under another message id, as after the server's deduplication window. */
  async publish(event: Event, again = false): Promise<void> {
    const { tenant, type, sessionid, id } = event;
    const payload = new TextEncoder().encode(JSON.stringify(event));
    await this.publishRaw(eventSubject(tenant, type, sessionid), payload, again ? `${id}-again` : id);
  }

  async publishRaw(subject: string, payload: Uint8Array, msgID: string): Promise<void> {
    const all = headers();
    all.set('Content-Type', CLOUDEVENTS_CONTENT_TYPE);
    const client = jetstream(await this.nats());
    // with its id, for as long as the server is away: it may have been stored without an answer
    await until(`${msgID} is published`, async () => {
      try {
        await client.publish(subject, payload, { msgID, headers: all, timeout: PUBLISH_MS_MAX });
        return true;
      } catch {
        return false;
      }
    });
  }

  async deadLetters(): Promise<Letter[]> {
    const manager = await jetstreamManager(await this.nats());
    const { state } = await manager.streams.info(DEAD_LETTERS_STREAM);
    const letters: Letter[] = [];
    for (const seq of numbers(1, state.last_seq)) {
      const stored = await manager.streams.getMessage(DEAD_LETTERS_STREAM, { seq });
      if (stored === null) continue;
      const entries = stored.header.keys().map((name) => [name, stored.header.get(name)]);
      letters.push({
        payload: stored.data,
        headers: Object.fromEntries(entries) as Record<string, string>,
        subject: stored.subject,
      });
    }
    return letters;
  }

  async dispose(): Promise<void> {
    await this.#connection?.close();
    for (const child of this.#children) await this.kill(child, 'SIGKILL');
    this.edge.close();
    await rm(this.#directory, { recursive: true, force: true });
  }

  #spawn(file: string, args: readonly string[], env: Readonly<Record<string, string>>): ChildProcess {
    const child = spawn(file, args, { env: { PATH: process.env['PATH'], ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.resume();
    child.stderr.resume();
    this.#children.add(child);
    return child;
  }
}

export function numbers(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_none, index) => from + index);
}
