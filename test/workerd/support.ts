import { env } from 'cloudflare:workers';
import { v7 } from 'uuid';
import type { ServerFrame } from '../../shared/contract/frames.ts';
import type { Actor, Command, Event } from '../../shared/core/types.ts';
import { SOCKET_HEADERS, type Executed, type Result, type SessionIdentity } from '../../worker/session/api.ts';
import type { Session } from '../../worker/session/session.ts';
import { uplinkName, poolSize } from '../../worker/uplink/pool.ts';
import type { Uplink } from './worker.ts';

interface TestEnv {
  SESSION: DurableObjectNamespace<Session>;
  UPLINK: DurableObjectNamespace<Uplink>;
  UPLINKS?: string;
}

const bindings = env as unknown as TestEnv;

export const alice: Actor = { id: 'alice', name: 'Alice', kind: 'user' };
export const bob: Actor = { id: 'bob', kind: 'user' };
const FAR_MS = 3_600_000;

/** One session of its own per test, spoken to as the Worker does. */
export class TestSession {
  readonly identity: SessionIdentity = { tenant: 'default', sessionId: v7() };

  stub() {
    return bindings.SESSION.get(bindings.SESSION.idFromName(`${this.identity.tenant}/${this.identity.sessionId}`));
  }

  uplink() {
    const name = uplinkName(this.identity.tenant, this.identity.sessionId, poolSize(bindings));
    return bindings.UPLINK.get(bindings.UPLINK.idFromName(name));
  }

  async published() {
    return this.uplink().seen(this.identity.sessionId);
  }

  async execute(actor: Actor, command: Command, idempotencyKey?: string): Promise<Result<Executed>> {
    const input = { command, actor, correlationId: 'test', ...(idempotencyKey === undefined ? {} : { idempotencyKey }) };
    return await this.stub().execute(this.identity, input);
  }

  async create(members: { userId: string; role: 'owner' | 'member' | 'viewer' }[] = [], visibility?: 'public'): Promise<void> {
    await this.must(alice, {
      name: 'session.create',
      data: { title: 'Test', members, ...(visibility === undefined ? {} : { visibility }) },
    });
  }

  async must(actor: Actor, command: Command, idempotencyKey?: string): Promise<Executed> {
    const result = await this.execute(actor, command, idempotencyKey);
    if (!result.ok) throw new Error(`${command.name} was refused: ${result.refusal.code}`);
    return result.value;
  }

  async send(actor: Actor, text: string, more: { id?: string } = {}): Promise<Executed> {
    return this.must(actor, { name: 'message.send', data: { text, ...more } });
  }

  async receipt(
    seqs: [number, number][],
    failures?: { seq: number; code: string; detail: string; consumer: string; at: number }[],
  ) {
    const now = Date.now();
    await this.stub().takeReceipt({
      ...this.identity,
      seqs,
      publishedAt: now,
      persistedAt: now,
      ...(failures === undefined ? {} : { failures }),
    });
  }

  async ticket(actor: Actor): Promise<string> {
    const result = (await this.stub().issueTicket(this.identity, actor, Date.now() + FAR_MS)) as Result<{ ticket: string }>;
    if (!result.ok) throw new Error(result.refusal.code);
    return result.value.ticket;
  }

  /** The upgrade as the Worker hands it over. */
  async upgrade(protocols: string[], query = ''): Promise<Response> {
    return this.stub().fetch(`https://edge.test/v1/sessions/${this.identity.sessionId}/socket${query}`, {
      headers: {
        Upgrade: 'websocket',
        'Sec-WebSocket-Protocol': protocols.join(', '),
        [SOCKET_HEADERS.tenant]: this.identity.tenant,
        [SOCKET_HEADERS.sessionId]: this.identity.sessionId,
        [SOCKET_HEADERS.correlationId]: 'test',
      },
    });
  }

  async connect(actor: Actor, query = ''): Promise<TestSocket> {
    const response = await this.upgrade(['millrace.v1', `ticket.${await this.ticket(actor)}`], query);
    if (response.webSocket === null) throw new Error(`refused: ${response.status} ${await response.text()}`);
    return new TestSocket(response.webSocket);
  }
}

/** A client's end of a socket that waits for conditions, never for time alone. */
export class TestSocket {
  readonly frames: ServerFrame[] = [];
  closed: { code: number; reason: string } | undefined;
  readonly #socket: WebSocket;
  #wake: (() => void)[] = [];
  #onText: (text: string) => void = () => undefined;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      if (typeof data === 'string') this.#onText(data);
      if (typeof data === 'string' && data !== 'pong') this.frames.push(JSON.parse(data) as ServerFrame);
      this.#changed();
    });
    socket.addEventListener('close', ({ code, reason }) => {
      this.closed = { code, reason };
      this.#changed();
    });
    socket.accept();
  }

  send(frame: unknown): void {
    this.#socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  }

  sendBinary(bytes: Uint8Array): void {
    this.#socket.send(bytes);
  }

  onText(listener: (text: string) => void): void {
    this.#onText = listener;
  }

  close(): void {
    this.#socket.close(1000, 'done');
  }

  events(): Event[] {
    return this.frames.flatMap((frame) => (frame.type === 'events' ? frame.events : []));
  }

  seqs(): number[] {
    return this.events().map((event) => event.seq);
  }

  async until<T>(what: string, find: (socket: TestSocket) => T | undefined | false, withinMs = 5_000): Promise<T> {
    const deadline = Date.now() + withinMs;
    for (;;) {
      const found = find(this);
      if (found !== undefined && found !== false) return found;
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`timed out waiting for ${what}; frames: ${JSON.stringify(this.frames).slice(0, 2_000)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  #changed(): void {
    const wake = this.#wake;
    this.#wake = [];
    for (const each of wake) each();
  }
}

export async function eventually<T>(what: string, find: () => Promise<T | undefined | false>, withinMs = 5_000): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const found = await find();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`timed out waiting for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The object of a session that the Worker knows by this id. */
export function sessionStub(sessionId: string, tenant = 'default') {
  return bindings.SESSION.get(bindings.SESSION.idFromName(`${tenant}/${sessionId}`));
}
