import { eventually } from './eventually.ts';
import { serverFrame, signalFrame, type ServerFrame, type Signal, type Welcome } from './frames.ts';
import { ask } from './http.ts';
import type { Person } from './people.ts';
import { pathOf } from './routes.ts';
import { ticket, type WireEvent } from './schemas.ts';
import type { Target } from './target.ts';

export interface SocketOptions {
  after?: number | undefined;
  epoch?: string | undefined;
  /** 'ticket' as browsers do, 'bearer' as servers may */
  by?: 'ticket' | 'bearer';
}

const OPEN_MS_MAX = 30_000;

/** One connection of the contract, whose frames are all checked as they come. */
export class Connection {
  readonly frames: ServerFrame[] = [];
  /** frames that are not of the contract */
  readonly faults: string[] = [];
  /** texts that are no JSON: `pong` */
  readonly bare: string[] = [];
  closeCode: number | undefined;
  protocol = '';
  #nextId = 0;
  readonly #socket: WebSocket;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('error', () => undefined);
    socket.addEventListener('close', ({ code }) => (this.closeCode = code));
    socket.addEventListener('message', ({ data }) => this.#take(data));
  }

  /** Opens any path with a way to say who one is. Rejects when the server refuses. */
  static async to(url: string, path: string, by: { ticket: string } | { token: string }): Promise<Connection> {
    const address = `${url.replace(/^http/, 'ws')}${path}`;
    const socket =
      'ticket' in by
        ? new WebSocket(address, ['millrace.v1', `ticket.${by.ticket}`])
        : new WebSocket(address, { protocols: ['millrace.v1'], headers: { Authorization: `Bearer ${by.token}` } });
    const connection = new Connection(socket);
    await new Promise<void>((resolve, reject) => {
      socket.addEventListener('open', () => resolve(), { once: true });
      socket.addEventListener('close', () => reject(new Error(`no socket at ${path}`)), { once: true });
      AbortSignal.timeout(OPEN_MS_MAX).addEventListener('abort', () => reject(new Error(`${path} does not open`)));
    });
    connection.protocol = socket.protocol;
    return connection;
  }

  send(frame: unknown): void {
    this.#socket.send(typeof frame === 'string' || frame instanceof Uint8Array ? frame : JSON.stringify(frame));
  }

  /** Sends one command and waits for its ack or reject. */
  async command(command: string, data: unknown, more: { idempotencyKey?: string; actor?: unknown } = {}): Promise<Answered> {
    const id = `c${(this.#nextId += 1)}`;
    this.send({ type: 'command', id, command, data, ...more });
    return this.answer(id);
  }

  async answer(id: string): Promise<Answered> {
    return eventually(`an answer to ${id}; faults: ${this.faults.join('; ')}`, () => {
      if (this.closeCode !== undefined) throw new Error(`closed ${this.closeCode} before the answer to ${id}`);
      return this.frames.find((frame): frame is Answered => (frame.type === 'ack' || frame.type === 'reject') && frame.id === id);
    });
  }

  get welcome(): Welcome {
    const [first] = this.frames;
    if (first?.type !== 'welcome') throw new Error(`the first frame is ${first?.type ?? 'not there'}`);
    return first;
  }

  get events(): WireEvent[] {
    return this.frames.flatMap((frame) => (frame.type === 'events' ? frame.events : []));
  }

  signals<Name extends Signal['name']>(name: Name): Extract<Signal, { name: Name }>[] {
    return this.frames.flatMap((frame) => {
      const signal = signalFrame.safeParse(frame);
      return signal.success && signal.data.name === name ? [signal.data as Extract<Signal, { name: Name }>] : [];
    });
  }

  async seen(seq: number): Promise<void> {
    await eventually(`seq ${seq} on the socket; faults: ${this.faults.join('; ')}`, () => this.events.at(-1)?.seq === seq);
  }

  async closed(withinMs?: number): Promise<number> {
    return eventually('the socket closes', () => this.closeCode, withinMs);
  }

  async close(): Promise<void> {
    this.#socket.close(1000);
    await this.closed();
  }

  #take(data: unknown): void {
    if (typeof data !== 'string') {
      this.faults.push('a binary frame');
      return;
    }
    if (!data.startsWith('{')) {
      this.bare.push(data);
      return;
    }
    const parsed = serverFrame.safeParse(JSON.parse(data));
    if (parsed.success) this.frames.push(parsed.data);
    else this.faults.push(`${data.slice(0, 600)}: ${JSON.stringify(parsed.error.issues).slice(0, 1_500)}`);
  }
}

export type Answered = Extract<ServerFrame, { type: 'ack' | 'reject' }>;

export async function ticketOf(target: Target, who: Person, path: string): Promise<string> {
  const { status, body } = await ask(target.url, 'POST', `${path}/tickets`, { token: who.token });
  if (status !== 201) throw new Error(`a ticket for ${path} is ${status} ${JSON.stringify(body)}`);
  return ticket.parse(body).ticket;
}

/** Opens a session's socket and waits for its welcome. */
export async function openSocket(
  target: Target,
  who: Person,
  sessionId: string,
  { after, epoch, by = 'ticket' }: SocketOptions = {},
): Promise<Connection> {
  const query = new URLSearchParams({
    ...(after === undefined ? {} : { after: String(after) }),
    ...(epoch === undefined ? {} : { epoch }),
  });
  const path = `${pathOf(sessionId)}/socket?${query.toString()}`;
  const identity = by === 'bearer' ? { token: who.token } : { ticket: await ticketOf(target, who, pathOf(sessionId)) };
  const connection = await Connection.to(target.url, path, identity);
  await eventually('the welcome', () => {
    if (connection.faults.length > 0) throw new Error(connection.faults.join('; '));
    return connection.frames.length > 0;
  });
  return connection;
}
