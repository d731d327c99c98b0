import type { LocksLike, MillraceOptions, SignsOfLife, SocketConstructor, SocketLike } from '../../../../client/index.ts';
import { problemOf } from '../../../../shared/contract/problem.ts';
import { refusal } from '../../../../shared/core/codes.ts';
import type { SimulatedClock } from './clock.ts';
import type { Answer } from './server.ts';
import type { ModelEdge, Wire } from './edge.ts';

/** How likely each thing goes wrong; all zero once the network is healed. */
export interface Faults {
  requestLost: number;
  answerLost: number;
  answerNever: number;
  answerHalved: number;
  requestRepeated: number;
  busy: number;
  upgradeRefused: number;
  tokenFails: number;
  latencyMsMax: number;
}

export const HEALED: Faults = {
  requestLost: 0,
  answerLost: 0,
  answerNever: 0,
  answerHalved: 0,
  requestRepeated: 0,
  busy: 0,
  upgradeRefused: 0,
  tokenFails: 0,
  latencyMsMax: 40,
};

/** One client's machine and its way to the edge. */
export class Machine {
  readonly #clock: SimulatedClock;
  readonly #edge: ModelEdge;
  readonly #random: () => number;
  readonly #userId: string;
  readonly #signs = new Set<(sign: 'online' | 'offline' | 'visible') => void>();
  readonly #sockets = new Set<{ cut(noticed: boolean): void; closeFromServer(code: number): void }>();
  faults: Faults;
  offline = false;
  /** sockets ever asked for */
  socketsOpened = 0;
  #asleepUntilMs = 0;
  /** timers that came due meanwhile */
  #overslept: (() => void)[] = [];
  #tokens = 0;

  constructor(clock: SimulatedClock, edge: ModelEdge, random: () => number, userId: string, faults: Faults) {
    this.#clock = clock;
    this.#edge = edge;
    this.#random = random;
    this.#userId = userId;
    this.faults = faults;
  }

  /** All that a client takes from its platform. */
  options(): MillraceOptions {
    let ids = 0;
    return {
      url: 'http://edge.test',
      getToken: () => this.#token(),
      fetch: (input, init) => this.#fetch(input as string, init ?? {}),
      WebSocket: this.#socketConstructor(),
      now: () => this.#clock.nowMs,
      setTimeout: (run, ms) => this.#later(ms, run),
      clearTimeout: (cancel) => (cancel as () => void)(),
      random: this.#random,
      newId: () => `${this.#userId}-${(ids += 1)}`,
      signsOfLife: this.#signsOfLife(),
      locks: pageLocks(),
    };
  }

  /** Everything stands still here; the world goes on. */
  sleep(ms: number): void {
    this.#asleepUntilMs = this.#clock.nowMs + ms;
    this.#clock.after(ms, () => this.#wake());
    this.#later(0, () => this.#sign('visible'));
  }

  #wake(): void {
    if (this.#asleepUntilMs > this.#clock.nowMs) return;
    const due = this.#overslept;
    this.#overslept = [];
    for (const run of due) this.#clock.after(0, run);
  }

  /** `noticed`: both ends see a close; otherwise neither, and what is sent goes nowhere. */
  cut(noticed: boolean): void {
    for (const socket of this.#sockets) socket.cut(noticed);
  }

  closeFromServer(code: number): void {
    for (const socket of this.#sockets) socket.closeFromServer(code);
  }

  goOffline(ms: number): void {
    if (this.offline) return;
    this.offline = true;
    this.cut(true);
    this.#sign('offline');
    this.#clock.after(ms, () => {
      this.offline = false;
      this.#sign('online');
    });
  }

  heal(): void {
    this.faults = HEALED;
    this.#asleepUntilMs = 0;
    this.#wake();
    if (this.offline) this.offline = false;
    this.#sign('online');
  }

  /** sockets that are not closed */
  get socketsAlive(): number {
    return this.#sockets.size;
  }

  get tokensAsked(): number {
    return this.#tokens;
  }

  #chance(probability: number): boolean {
    return probability > 0 && this.#random() < probability;
  }

  #latency(): number {
    return 1 + Math.floor(this.#random() * this.faults.latencyMsMax);
  }

  /** A timer of this machine: one that is due while it sleeps runs when it wakes. */
  #later(ms: number, run: () => void): () => void {
    let cancelled = false;
    const due = (): void => {
      if (cancelled) return;
      if (this.#asleepUntilMs > this.#clock.nowMs) this.#overslept.push(due);
      else run();
    };
    this.#clock.after(ms, due);
    return () => {
      cancelled = true;
    };
  }

  #sign(sign: 'online' | 'offline' | 'visible'): void {
    for (const listener of this.#signs) listener(sign);
  }

  #signsOfLife(): SignsOfLife {
    return {
      subscribe: (listener) => {
        this.#signs.add(listener);
        return () => this.#signs.delete(listener);
      },
    };
  }

  #token(): Promise<string> {
    this.#tokens += 1;
    return new Promise((resolve, reject) => {
      this.#later(this.#latency(), () => {
        if (this.offline || this.#chance(this.faults.tokenFails)) return reject(new Error('the login service is away'));
        const lifeMs = 20_000 + this.#random() * 180_000;
        const claims = { sub: this.#userId, exp: (this.#clock.nowMs + lifeMs) / 1_000 };
        resolve(`x.${btoa(JSON.stringify(claims))}.x`);
      });
    });
  }

  #fetch(url: string, init: RequestInit): Promise<Response> {
    return new Promise((resolve, reject) => {
      const lost = (): void => reject(new TypeError('fetch failed'));
      init.signal?.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')));
      if (this.offline || this.#chance(this.faults.requestLost)) return void this.#later(this.#latency(), lost);
      this.#clock.after(this.#latency(), () => {
        const ask = (): Answer =>
          this.#edge.request(init.method ?? 'GET', url, init.headers as Record<string, string>, init.body as string | undefined);
        const answer = this.#chance(this.faults.busy) ? busy(this.#random) : ask();
        if (this.#chance(this.faults.requestRepeated)) ask();
        if (this.#chance(this.faults.answerNever)) return;
        if (this.offline || this.#chance(this.faults.answerLost)) return void this.#later(this.#latency(), lost);
        let text = JSON.stringify(answer.body);
        if (this.#chance(this.faults.answerHalved)) text = text.slice(0, text.length / 2);
        this.#later(this.#latency(), () => resolve(new Response(text, { status: answer.status, headers: answer.headers })));
      });
    });
  }

  #socketConstructor(): SocketConstructor {
    const open = (url: string, protocols: string[], emit: Emit): Pipe => {
      const pipe = new Pipe(this.#edge, {
        toServer: (run) => this.#clock.after(this.#latency(), run),
        toClient: (run) => this.#later(this.#latency(), run),
        emit,
        forget: () => this.#sockets.delete(pipe),
      });
      this.#sockets.add(pipe);
      this.socketsOpened += 1;
      pipe.connect(url, protocols, this.offline || this.#chance(this.faults.upgradeRefused));
      return pipe;
    };
    return class implements SocketLike {
      readonly #listeners = new Map<string, (event: never) => void>();
      readonly #pipe: Pipe;
      constructor(url: string, protocols: string[]) {
        this.#pipe = open(url, protocols, (type, event) => this.#listeners.get(type)?.(event as never));
      }
      addEventListener(type: string, listener: (event: never) => void): void {
        this.#listeners.set(type, listener);
      }
      send(data: string): void {
        this.#pipe.fromClient(data);
      }
      close(): void {
        this.#pipe.closeFromClient();
      }
    };
  }
}

/** `navigator.locks` without the turns of the loop that it takes: one at a time, whatever the name. */
export function pageLocks(): LocksLike {
  let last: Promise<unknown> = Promise.resolve();
  return {
    request: (_name, run) => {
      const turn = last.then(run);
      last = turn.catch(() => {});
      return turn;
    },
  };
}

type Emit = (type: 'message' | 'close', event: object) => void;

interface Ends {
  toServer(run: () => void): void;
  toClient(run: () => void): void;
  emit: Emit;
  forget(): void;
}

/** Both directions of one socket, each in order, with what is still under way. */
class Pipe {
  readonly #edge: ModelEdge;
  readonly #ends: Ends;
  readonly #up: string[] = [];
  readonly #down: (string | number)[] = [];
  #take: ((data: string) => void) | undefined;
  #dead = false;
  readonly #wire: Wire = {
    send: (data) => this.#toClient(data),
    close: (code) => this.#toClient(code),
  };

  constructor(edge: ModelEdge, ends: Ends) {
    this.#edge = edge;
    this.#ends = ends;
  }

  connect(url: string, protocols: string[], refused: boolean): void {
    this.#ends.toServer(() => {
      if (this.#dead) return;
      this.#take = refused ? undefined : this.#edge.connect(url, protocols, this.#wire);
      if (this.#take === undefined) this.#toClient(1006);
    });
  }

  fromClient(data: string): void {
    if (this.#dead) return;
    this.#up.push(data);
    this.#ends.toServer(() => {
      const next = this.#up.shift();
      if (next !== undefined && !this.#dead) this.#take?.(next);
    });
  }

  closeFromClient(): void {
    this.#die();
    this.#ends.toServer(() => this.#edge.gone(this.#wire));
  }

  closeFromServer(code: number): void {
    this.#edge.gone(this.#wire);
    this.#toClient(code);
  }

  cut(noticed: boolean): void {
    if (this.#dead) return;
    this.#die();
    if (!noticed) return;
    this.#edge.gone(this.#wire);
    this.#ends.toClient(() => this.#ends.emit('close', { code: 1006, reason: '' }));
  }

  #toClient(what: string | number): void {
    if (this.#dead) return;
    this.#down.push(what);
    this.#ends.toClient(() => {
      const next = this.#down.shift();
      if (next === undefined || this.#dead) return;
      if (typeof next === 'string') return this.#ends.emit('message', { data: next });
      this.#die();
      this.#ends.emit('close', { code: next, reason: '' });
    });
  }

  /** What is under way is lost. */
  #die(): void {
    this.#dead = true;
    this.#up.length = 0;
    this.#down.length = 0;
    this.#ends.forget();
  }
}

function busy(random: () => number): Answer {
  const roll = random();
  const wait = { retryAfterMs: 1_000 };
  const why =
    roll < 0.4
      ? refusal('unavailable', 'Away.', wait)
      : roll < 0.8
        ? refusal('rate_limited', 'Too many.', wait)
        : refusal('overloaded', 'Behind.', wait);
  const body = problemOf(why, 'correlation');
  return { status: body.status, body, headers: { 'Retry-After': '1' } };
}
