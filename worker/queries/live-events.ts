import { z } from 'zod';
import { ERROR_CODES, refusal, type ErrorCode, type Refusal } from '../../shared/core/codes.ts';
import { WINDOW_BYTES, WINDOW_EVENTS } from '../../shared/core/limits.ts';
import { utf8Bytes } from '../../shared/core/text.ts';
import type { Event } from '../../shared/core/types.ts';
import type { Env } from '../env.ts';
import type { Caller } from '../routes/context.ts';
import { Refused } from '../routes/refused.ts';
import { reachSession } from '../routes/sessions.ts';
import { SOCKET_HEADERS, type SessionIdentity } from '../session/api.ts';

/** RFC 6455 §7.4.1: what is reported for a connection that was cut */
const CLOSE_CODE_CUT = 1006;
const CLOSE_CODE_NORMAL = 1000;
/** signals are in no window: of those that wait for a slow reader the oldest are dropped beyond either bound */
const SIGNALS_WAITING_MAX = 100;
const SIGNALS_WAITING_BYTES_MAX = 1024 * 1024;

const serverFrame = z.union([
  z.object({ type: z.literal('welcome'), from: z.int(), recovered: z.boolean() }),
  // the Session's own events, stamped by it: they are handed on as they are
  z.object({ type: z.literal('events'), events: z.array(z.custom<Event>((each) => typeof each === 'object')) }),
  z.looseObject({ type: z.literal('signal'), name: z.string() }),
]);

/** What is not kept (contract §4): typing, presence, chunks of a stream. As the Session sent it, without `type`. */
export type LiveSignal = { name: string } & Readonly<Record<string, unknown>>;

export type LiveItem =
  | { kind: 'events'; events: Event[]; bytes: number }
  /** only where they were asked for */
  | { kind: 'signal'; signal: LiveSignal; bytes: number }
  | { kind: 'close'; code: number; reason: string }
  | { kind: 'idle' };

export interface LivePlace {
  after: number;
  epoch: string;
  /** true: signals too; they may be lost */
  signals?: boolean;
}

/**
 * The Worker's end of a hibernatable socket to the Session (design decision 14). What waits here is bounded by the socket's
 * window (WINDOW_EVENTS, WINDOW_BYTES): the Session sends no more until `written` tells it of progress.
 */
export class LiveEvents {
  readonly #socket: WebSocket;
  readonly #wantsSignals: boolean;
  #items: LiveItem[] = [];
  #closed: LiveItem | undefined;
  #wake: (() => void) | undefined;
  #recovered: boolean | undefined;
  #unreceivedEvents = 0;
  #unreceivedBytes = 0;

  constructor(socket: WebSocket, wantsSignals = false) {
    this.#socket = socket;
    this.#wantsSignals = wantsSignals;
    socket.addEventListener('message', ({ data }) => this.#take(data));
    socket.addEventListener('close', ({ code, reason }) => this.#end(code, reason));
    socket.addEventListener('error', () => this.#end(CLOSE_CODE_CUT, ''));
    socket.accept();
  }

  /** What comes next; `idle` when nothing does within `waitMs`. After a close only that close. */
  async next(waitMs: number): Promise<LiveItem> {
    const item = () => this.#items.shift() ?? this.#closed;
    return (await this.#found(item, waitMs)) ?? { kind: 'idle' };
  }

  /**
   * What the welcome says. False: the tail no longer holds what follows the place that was asked for, and nothing of use will
   * come. True also when no welcome comes within `waitMs`: then `next` tells why.
   */
  async recovered(waitMs: number): Promise<boolean> {
    return (await this.#found(() => this.#recovered ?? (this.#closed === undefined ? undefined : true), waitMs)) ?? true;
  }

  /** The reader has taken these events: the Session hears of it at a quarter of the window, as of any client. */
  written(events: readonly Event[], bytes: number): void {
    this.#unreceivedEvents += events.length;
    this.#unreceivedBytes += bytes;
    if (this.#unreceivedEvents < WINDOW_EVENTS / 4 && this.#unreceivedBytes < WINDOW_BYTES / 4) return;
    this.#send(JSON.stringify({ type: 'received', seq: events.at(-1)?.seq ?? 0 }));
    this.#unreceivedEvents = 0;
    this.#unreceivedBytes = 0;
  }

  /** The heartbeat: answered without waking the Session. */
  ping(): void {
    this.#send('ping');
  }

  close(): void {
    if (this.#closed === undefined) this.#end(CLOSE_CODE_NORMAL, '');
    try {
      this.#socket.close(CLOSE_CODE_NORMAL, 'done');
    } catch {
      // it is closed already
    }
  }

  #send(text: string): void {
    try {
      if (this.#closed === undefined) this.#socket.send(text);
    } catch {
      this.#end(CLOSE_CODE_CUT, '');
    }
  }

  #take(data: unknown): void {
    if (typeof data !== 'string' || data === 'pong') return;
    const frame = serverFrame.safeParse(JSON.parse(data));
    // frames of a newer Session that mean nothing here
    if (!frame.success) return;
    if (frame.data.type === 'welcome') this.#recovered = frame.data.recovered;
    else if (frame.data.type === 'events') {
      this.#items.push({ kind: 'events', events: frame.data.events, bytes: utf8Bytes(data) });
    } else if (this.#wantsSignals) {
      const { type: _, ...signal } = frame.data;
      this.#items.push({ kind: 'signal', signal, bytes: utf8Bytes(data) });
      this.#dropOldSignals();
    }
    this.#wake?.();
  }

  #dropOldSignals(): void {
    const waiting = this.#items.filter((item) => item.kind === 'signal');
    let bytes = waiting.reduce((sum, item) => sum + item.bytes, 0);
    let count = waiting.length;
    const dropped = new Set<LiveItem>();
    for (const item of waiting) {
      if (count <= SIGNALS_WAITING_MAX && bytes <= SIGNALS_WAITING_BYTES_MAX) break;
      dropped.add(item);
      count -= 1;
      bytes -= item.bytes;
    }
    if (dropped.size > 0) this.#items = this.#items.filter((item) => !dropped.has(item));
  }

  #end(code: number, reason: string): void {
    this.#closed ??= { kind: 'close', code, reason };
    this.#wake?.();
  }

  /** Looks whenever something came, until there is what is looked for or the time is up. */
  async #found<T>(look: () => T | undefined, waitMs: number): Promise<T | undefined> {
    const deadlineMs = Date.now() + waitMs;
    for (;;) {
      const found = look();
      const leftMs = deadlineMs - Date.now();
      if (found !== undefined || leftMs <= 0) return found;
      let timer: ReturnType<typeof setTimeout> | undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        timer = setTimeout(resolve, leftMs);
      });
      clearTimeout(timer);
    }
  }
}

/** Opens a socket to the Session for a caller whose token was verified. Throws the Session's refusal, or unavailable. */
export async function openLiveEvents(
  env: Env,
  identity: SessionIdentity,
  who: { caller: Caller; correlationId: string },
  place: LivePlace,
): Promise<LiveEvents> {
  const { actor, tokenExpiresAtMs } = who.caller;
  const address = new URL(`https://session/v1/sessions/${identity.sessionId}/socket`);
  address.searchParams.set('after', String(place.after));
  address.searchParams.set('epoch', place.epoch);
  const headers = {
    Upgrade: 'websocket',
    [SOCKET_HEADERS.tenant]: identity.tenant,
    [SOCKET_HEADERS.sessionId]: identity.sessionId,
    [SOCKET_HEADERS.correlationId]: who.correlationId,
    [SOCKET_HEADERS.quiet]: '1',
    [SOCKET_HEADERS.caller]: encodeURIComponent(JSON.stringify({ actor, tokenExpiresAtMs })),
  };
  // opening twice does no harm: a socket that nobody hears of closes
  const answer = await reachSession(env, identity, true, (session) => session.fetch(new Request(address, { headers })));
  if (answer.status !== 101 || answer.webSocket === null) throw new Refused(await refusalIn(answer));
  return new LiveEvents(answer.webSocket, place.signals);
}

const refusalBody = z.object({
  code: z.enum(Object.keys(ERROR_CODES) as [ErrorCode]),
  detail: z.string(),
  retryAfterMs: z.int().positive().optional(),
});

/** The Session refuses an upgrade with a problem; it is dressed again like all others, with the headers that belong to it. */
export async function refusalIn(answer: Response): Promise<Refusal> {
  const { code, detail, retryAfterMs } = refusalBody.parse(await answer.json());
  return refusal(code, detail, retryAfterMs === undefined ? {} : { retryAfterMs });
}
