import { SUBPROTOCOL, TICKET_PROTOCOL_PREFIX } from '../../shared/contract/frames.ts';
import { CLOSE_CODES } from '../../shared/core/codes.ts';
import { HEARTBEAT_MS, HEARTBEATS_MISSED_MAX, WINDOW_BYTES, WINDOW_EVENTS } from '../../shared/core/limits.ts';
import { eventsPage, serverFrame, ticket, type Accepted, type Problem, type ServerFrame } from './answers.ts';
import { retryDelayMs, sleep } from './backoff.ts';
import { reasonOf, sessionPath, UnexpectedReply, type HttpClient } from './http.ts';

/** What became of a command sent by socket. `unknown`: the socket was lost before the answer; the key makes a retry safe. */
export type SocketOutcome =
  | { kind: 'ack'; accepted: Accepted; replayed: boolean }
  | { kind: 'reject'; problem: Problem }
  | { kind: 'unknown' };

export interface SessionSocketOptions {
  http: HttpClient;
  sessionId: string;
  /** seq after which to begin; absent: from the head on */
  after?: number;
  /** every event in the order it came, also what was fetched because a resume was not recovered */
  onEvent: (event: { seq: number }, by: 'socket' | 'http') => void;
  /** what a client of the contract must never see */
  onFault: (what: string) => void;
  onSignal?: (frame: Extract<ServerFrame, { type: 'signal' }>) => void;
  /** each connection as it is asked for, and then each of its frames as it comes: for who writes down what happened */
  onConnecting?: (after: number | undefined) => void;
  onFrame?: (frame: ServerFrame) => void;
}

type Welcome = Extract<ServerFrame, { type: 'welcome' }>;

const ANSWER_MS_MAX = 15_000;
const OPEN_MS_MAX = 15_000;
/** closes that coming back does not mend */
const FINAL_CLOSES = new Set<number>([CLOSE_CODES.badFrame, CLOSE_CODES.removed, CLOSE_CODES.sessionDeleted]);

/** A session socket that comes back after every loss and goes on where it was (contract §4). */
export class SessionSocket {
  /** seq of the last event, whether it came by socket or by catch-up; undefined before the first welcome */
  lastSeq: number | undefined;
  epoch: string | undefined;
  /** connections after the first */
  reconnects = 0;
  /** resumes whose events were no longer in the tail and were read over HTTP */
  refills = 0;
  /** close code of the last connection that ended */
  lastCloseCode: number | undefined;
  readonly #options: SessionSocketOptions;
  readonly #waiting = new Map<string, (outcome: SocketOutcome) => void>();
  #socket: WebSocket | undefined;
  #welcomed = false;
  #ended = false;
  #nextFrameId = 0;
  #unreportedEvents = 0;
  #unreportedBytes = 0;
  #lastHeardMs = 0;
  /** frames that came while a gap was being read over HTTP */
  #held: ServerFrame[] | undefined;
  #running: Promise<void> | undefined;
  readonly #ready = deferred<void>();
  readonly #stopped = new AbortController();

  constructor(options: SessionSocketOptions) {
    this.#options = options;
    this.lastSeq = options.after;
  }

  get connected(): boolean {
    return this.#welcomed && this.#held === undefined;
  }

  /** Connects. Resolves at the first welcome; rejects when patience ends before it, or the session refuses. */
  open(): Promise<void> {
    this.#running ??= this.#stayConnected();
    return this.#ready.promise;
  }

  async close(): Promise<void> {
    this.#ended = true;
    this.#stopped.abort();
    this.#socket?.close(1000);
    await this.#running;
  }

  /** Sends one command. Never rejects; one call is one attempt. */
  async command(command: string, data: unknown, idempotencyKey: string): Promise<SocketOutcome> {
    const socket = this.#socket;
    if (socket === undefined || !this.#welcomed) return { kind: 'unknown' };
    const id = `c${(this.#nextFrameId += 1)}`;
    const { promise, resolve } = deferred<SocketOutcome>();
    const timer = setTimeout(() => resolve({ kind: 'unknown' }), ANSWER_MS_MAX);
    this.#waiting.set(id, resolve);
    socket.send(JSON.stringify({ type: 'command', id, command, data, idempotencyKey }));
    const outcome = await promise;
    clearTimeout(timer);
    this.#waiting.delete(id);
    return outcome;
  }

  /** Sends any text as one frame, for tests of the protocol. */
  sendRaw(text: string): void {
    this.#socket?.send(text);
  }

  async #stayConnected(): Promise<void> {
    let lostAtMs = Date.now();
    for (let attempt = 0; !this.#ended; attempt += 1) {
      try {
        if (await this.#connectOnce()) {
          lostAtMs = Date.now();
          attempt = 0;
        }
      } catch (error) {
        if (this.#ended) return;
        this.#fail(error instanceof UnexpectedReply ? error.message : reasonOf(error));
        return;
      }
      if (this.#ended) return;
      if (Date.now() - lostAtMs > this.#options.http.patienceMs) {
        this.#fail(`the socket could not be opened for ${this.#options.http.patienceMs} ms`);
        return;
      }
      await sleep(retryDelayMs(attempt, 0), undefined, { signal: this.#stopped.signal }).catch(() => undefined);
    }
  }

  /** One connection, from ticket to close. True when it was welcomed. Throws what coming back does not mend. */
  async #connectOnce(): Promise<boolean> {
    const { http, sessionId } = this.#options;
    const path = sessionPath(sessionId);
    const issued = ticket.parse((await http.expect(201, 'POST', `${path}/tickets`, { signal: this.#stopped.signal })).body);
    if (this.#ended) return false;
    const query = new URLSearchParams();
    if (this.lastSeq !== undefined) query.set('after', String(this.lastSeq));
    if (this.epoch !== undefined) query.set('epoch', this.epoch);
    const url = `${http.url.replace(/^http/, 'ws')}${path}/socket?${query.toString()}`;
    this.#options.onConnecting?.(this.lastSeq);
    const socket = new WebSocket(url, [SUBPROTOCOL, `${TICKET_PROTOCOL_PREFIX}${issued.ticket}`]);
    const closed = new Promise<number>((resolve) =>
      socket.addEventListener('close', (event) => resolve(event.code), { once: true }),
    );
    // the close event that follows says all there is to know; without a listener the error would end the process
    socket.addEventListener('error', () => undefined);
    socket.addEventListener('message', (event) => this.#take(event.data));
    this.#socket = socket;
    const opening = setTimeout(() => !this.#welcomed && socket.close(), OPEN_MS_MAX);
    const heartbeat = setInterval(() => this.#ping(socket), HEARTBEAT_MS / 2);
    const code = await closed;
    clearTimeout(opening);
    clearInterval(heartbeat);
    const wasWelcomed = this.#welcomed;
    this.#forget(code);
    if (FINAL_CLOSES.has(code) && !this.#ended) throw new Error(`the socket was closed with ${code}`);
    return wasWelcomed;
  }

  #forget(code: number): void {
    this.lastCloseCode = code;
    this.#socket = undefined;
    this.#welcomed = false;
    this.#held = undefined;
    this.#unreportedEvents = 0;
    this.#unreportedBytes = 0;
    for (const resolve of this.#waiting.values()) resolve({ kind: 'unknown' });
    this.#waiting.clear();
    this.reconnects += this.#ended ? 0 : 1;
  }

  #fail(what: string): void {
    this.#ended = true;
    this.#options.onFault(what);
    this.#ready.reject(new Error(what));
    // nobody may be waiting any more, when the failure comes after the first welcome
    this.#ready.promise.catch(() => undefined);
  }

  #ping(socket: WebSocket): void {
    if (socket.readyState !== WebSocket.OPEN) return;
    if (Date.now() - this.#lastHeardMs > HEARTBEAT_MS * HEARTBEATS_MISSED_MAX) socket.close();
    else socket.send('ping');
  }

  #take(data: unknown): void {
    this.#lastHeardMs = Date.now();
    if (data === 'pong') return;
    if (typeof data !== 'string') return this.#options.onFault('a frame that is not text');
    this.#unreportedBytes += Buffer.byteLength(data);
    let parsed: ReturnType<typeof serverFrame.safeParse>;
    try {
      parsed = serverFrame.safeParse(JSON.parse(data));
    } catch {
      return this.#options.onFault(`a frame that is not JSON: ${data.slice(0, 80)}`);
    }
    if (!parsed.success) return this.#options.onFault(`a frame of no known shape: ${data.slice(0, 200)}`);
    this.#options.onFrame?.(parsed.data);
    if (this.#held !== undefined) this.#held.push(parsed.data);
    else this.#handle(parsed.data);
  }

  #handle(frame: ServerFrame): void {
    if (frame.type === 'welcome') return this.#welcome(frame);
    if (frame.type === 'events') {
      for (const each of frame.events) this.#deliver(each, 'socket');
      this.#reportReceived();
    } else if (frame.type === 'ack') {
      this.#waiting.get(frame.id)?.({ kind: 'ack', accepted: frame.result, replayed: frame.replayed === true });
    } else if (frame.type === 'reject') {
      this.#waiting.get(frame.id)?.({ kind: 'reject', problem: frame.error });
    } else this.#options.onSignal?.(frame);
  }

  #welcome(frame: Welcome): void {
    this.#welcomed = true;
    if (this.epoch !== undefined && this.epoch !== frame.epoch) this.#options.onFault(`the epoch changed to ${frame.epoch}`);
    this.epoch = frame.epoch;
    this.lastSeq ??= frame.head;
    if (frame.from === this.lastSeq + 1) return this.#ready.resolve();
    if (frame.recovered) {
      return this.#options.onFault(`after ${this.lastSeq} a recovered socket begins at ${frame.from}: a silent gap`);
    }
    this.#held = [];
    void this.#refill(frame.from, this.#socket);
  }

  /** Reads over HTTP what the tail no longer held, then what the socket brought meanwhile. */
  async #refill(from: number, socket: WebSocket | undefined): Promise<void> {
    const { http, sessionId } = this.#options;
    try {
      this.refills += 1;
      while ((this.lastSeq ?? 0) < from - 1) {
        const query = `after=${this.lastSeq ?? 0}&epoch=${encodeURIComponent(this.epoch ?? '')}&limit=${Math.min(1_000, from - 1 - (this.lastSeq ?? 0))}`;
        const reply = await http.expect(200, 'GET', `${sessionPath(sessionId)}/events?${query}`);
        const { items } = eventsPage.parse(reply.body);
        if (items.length === 0) throw new Error(`no event after ${this.lastSeq}, though the head is past it`);
        // the connection may be gone by now: what was read counts all the same, for the next one resumes after it
        for (const each of items) this.#deliver(each, 'http');
      }
    } catch (error) {
      this.#options.onFault(`the gap before ${from} could not be read: ${reasonOf(error)}`);
    }
    if (this.#socket !== socket) return;
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const frame of held) this.#handle(frame);
    this.#ready.resolve();
  }

  #deliver(each: { seq: number }, by: 'socket' | 'http'): void {
    this.lastSeq = each.seq;
    if (by === 'socket') this.#unreportedEvents += 1;
    this.#options.onEvent(each, by);
  }

  /** Opens the window again at a quarter of it, so that it never closes (contract §4). */
  #reportReceived(): void {
    if (this.#unreportedEvents < WINDOW_EVENTS / 4 && this.#unreportedBytes < WINDOW_BYTES / 4) return;
    this.#unreportedEvents = 0;
    this.#unreportedBytes = 0;
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify({ type: 'received', seq: this.lastSeq }));
  }
}

interface Deferred<T> {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (reason: unknown) => void;
}

function deferred<T>(): Deferred<T> {
  let settle: Omit<Deferred<T>, 'promise'> | undefined;
  const promise = new Promise<T>((resolve, reject) => (settle = { resolve, reject }));
  if (settle === undefined) throw new Error('a promise runs its executor at once');
  return { promise, ...settle };
}
