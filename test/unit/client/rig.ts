import {
  environmentOf,
  type Environment,
  type MillraceOptions,
  type SocketLike,
  type StorageLike,
} from '../../../client/environment.ts';
import { SimulatedClock } from './simulator/clock.ts';
import { pageLocks } from './simulator/network.ts';

/** A socket that a test speaks for. */
export class ScriptedSocket implements SocketLike {
  readonly sent: string[] = [];
  readonly url: string;
  readonly protocols: string[];
  readyState = 1;
  readonly #listeners = new Map<string, (event: never) => void>();

  constructor(url: string, protocols: string[]) {
    this.url = url;
    this.protocols = protocols;
  }

  addEventListener(type: string, listener: (event: never) => void): void {
    this.#listeners.set(type, listener);
  }

  send(data: string): void {
    this.sent.push(data);
  }

  close(): void {
    this.readyState = 3;
  }

  says(frame: object | string): void {
    this.#emit('message', { data: typeof frame === 'string' ? frame : JSON.stringify(frame) });
  }

  closes(code: number): void {
    this.readyState = 3;
    this.#emit('close', { code, reason: '' });
  }

  #emit(type: string, event: object): void {
    this.#listeners.get(type)?.(event as never);
  }
}

export interface Request {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: unknown;
}

export interface Reply {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
}

/** A platform on simulated time whose server is what `answer` says; a thrown error is a broken connection. */
export interface Rig {
  clock: SimulatedClock;
  environment: Environment;
  options: MillraceOptions;
  requests: Request[];
  sockets: ScriptedSocket[];
  answer: (request: Request) => Reply | Promise<Reply>;
  /** asked of getToken */
  tokens: string[];
  /** lifetime of the next tokens */
  tokenMs: number;
  sign(sign: 'online' | 'offline' | 'visible'): void;
  pass(ms: number): Promise<void>;
}

export function newRig(more: Partial<MillraceOptions> = {}): Rig {
  const clock = new SimulatedClock();
  const sockets: ScriptedSocket[] = [];
  const signs = new Set<(sign: 'online' | 'offline' | 'visible') => void>();
  let ids = 0;
  const rig: Omit<Rig, 'environment' | 'options'> = {
    clock,
    requests: [],
    sockets,
    tokens: [],
    tokenMs: 600_000,
    answer: () => ({ status: 201, body: { ticket: `t${sockets.length}` } }),
    sign: (sign) => {
      for (const listener of signs) listener(sign);
    },
    pass: (ms) => clock.run(clock.nowMs + ms),
  };
  const options: MillraceOptions = {
    url: 'https://edge.test/',
    getToken: () => {
      const token = `x.${btoa(JSON.stringify({ sub: 'ann', exp: (clock.nowMs + rig.tokenMs) / 1_000 }))}.${rig.tokens.length}`;
      rig.tokens.push(token);
      return token;
    },
    fetch: async (input, init) => {
      const path = (input as string).replace('https://edge.test', '');
      const text = init?.body as string | undefined;
      const body: unknown = text === undefined ? undefined : JSON.parse(text);
      const request = { method: init?.method ?? 'GET', path, headers: init?.headers as Record<string, string>, body };
      rig.requests.push(request);
      const reply = await Promise.race([rig.answer(request), abortOf(init?.signal)]);
      return new Response(JSON.stringify(reply.body ?? {}), { status: reply.status, headers: reply.headers ?? {} });
    },
    WebSocket: class extends ScriptedSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols);
        sockets.push(this);
      }
    },
    now: () => clock.nowMs,
    setTimeout: (run, ms) => clock.after(ms, run),
    clearTimeout: (cancel) => (cancel as () => void)(),
    random: () => 0.5,
    newId: () => `id-${(ids += 1)}`,
    signsOfLife: {
      subscribe: (listener) => {
        signs.add(listener);
        return () => signs.delete(listener);
      },
    },
    locks: pageLocks(),
    ...more,
  };
  return Object.assign(rig, { options, environment: environmentOf(options) });
}

function abortOf(signal: AbortSignal | null | undefined): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal?.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')));
  });
}

/** A storage that remembers what was written. */
export class MemoryStorage implements StorageLike {
  readonly items = new Map<string, string>();

  getItem(key: string): Promise<string | null> {
    return Promise.resolve(this.items.get(key) ?? null);
  }
  setItem(key: string, value: string): void {
    this.items.set(key, value);
  }
  removeItem(key: string): void {
    this.items.delete(key);
  }
}

export function problem(code: string, status: number, more: object = {}): Reply {
  return { status, body: { type: 't', title: 't', status, detail: code, code, correlationId: 'c', ...more } };
}

/** A 202 of the command that a request carries. */
export function accepted(seq: number): Reply {
  const body = {
    commandId: `c${seq}`,
    sessionId: 's',
    seq,
    eventId: `e${seq}`,
    entityId: 'm',
    correlationId: 'c',
    acceptedAt: '2026-01-01T00:00:00.000Z',
  };
  return { status: 202, body };
}
