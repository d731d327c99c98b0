import { CLOSE_CODES, type CloseReason } from '../../shared/core/codes.ts';
import type { Event } from '../../shared/core/types.ts';
import type { LiveEvents } from '../queries/live-events.ts';
import { describeError, log } from '../log.ts';
import type { EventsQuery } from '../session/api.ts';
import type { EventsAnswer, EventsReader } from './events.ts';
import { Refused } from './refused.ts';

export const EVENT_STREAM = 'text/event-stream';

/** a comment this often keeps proxies from closing what looks idle, and is the heartbeat of the socket behind it */
const COMMENT_EVERY_MS = 15_000;
/** a Session greets at once; one that does not is gone */
const WELCOME_MS_MAX = 10_000;
const CODES: ReadonlySet<number> = new Set(Object.values(CLOSE_CODES));

/** Why a stream ends, as the `close` event tells it: a code of contract §4. */
interface Ending {
  code: number;
  reason: string;
}

/**
 * Server-sent events (contract §2): pages until the tail is reached, then what the Session's socket brings, without gap or
 * repeat; signals too where they were asked for. What can be refused is refused before the stream begins; afterwards it ends
 * with `event: close`. Pull by pull, so a slow reader holds up its own socket and nothing else.
 */
export async function eventStream(
  reader: EventsReader,
  asked: EventsQuery,
  { signals, headersOnly }: { signals: boolean; headersOnly: boolean },
): Promise<Response> {
  const first = await reader.page(asked);
  const headers = { 'Content-Type': EVENT_STREAM };
  if (headersOnly) return new Response(null, { headers });
  const feed = new Feed(reader, asked, signals);
  const chunks = feed.run(first, await feed.openAtEnd(first));
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await chunks.next();
        if (done === true) controller.close();
        else controller.enqueue(encoder.encode(value));
      },
      cancel: () => feed.stop(),
    },
    // nothing is read ahead of the client: what waits, waits in the socket's window
    { highWaterMark: 0 },
  );
  return new Response(body, { headers });
}

class Feed {
  readonly #reader: EventsReader;
  readonly #limit: number;
  readonly #signals: boolean;
  #after: number;
  #live: LiveEvents | undefined;
  #stopped = false;

  constructor(reader: EventsReader, asked: EventsQuery, signals: boolean) {
    this.#reader = reader;
    this.#limit = asked.limit;
    this.#signals = signals;
    this.#after = asked.after;
  }

  /** When the first page reaches the head, a refusal of the socket can still be answered as one. */
  async openAtEnd(page: EventsAnswer): Promise<LiveEvents | undefined> {
    const last = page.items.at(-1)?.seq ?? this.#after;
    if (last >= page.head) this.#live = await this.#open(last, page.epoch);
    return this.#live;
  }

  /** The client went away. */
  stop(): void {
    this.#stopped = true;
    this.#live?.close();
  }

  async *run(first: EventsAnswer, opened: LiveEvents | undefined): AsyncGenerator<string, void> {
    let end: Ending;
    try {
      end = yield* this.#feed(first, opened);
    } catch (error) {
      end = endingOf(error);
    } finally {
      this.#live?.close();
    }
    if (!this.#stopped) yield `event: close\ndata: ${JSON.stringify(end)}\n\n`;
  }

  async *#feed(first: EventsAnswer, opened: LiveEvents | undefined): AsyncGenerator<string, Ending> {
    // a comment at once: the reader sees that it is connected, also when nothing happens
    yield ':\n\n';
    let page = first;
    let live = opened;
    while (!this.#stopped) {
      if (page.items.length > 0) yield this.#block(page.items);
      if (this.#reader.caller.tokenExpiresAtMs <= Date.now()) return ending('tokenExpired');
      if (this.#after >= page.head) {
        live ??= await this.#open(this.#after, page.epoch);
        this.#live = live;
        if (await live.recovered(WELCOME_MS_MAX)) return yield* this.#follow(live);
        // the tail was trimmed past us between page and socket: read on in pages
        live.close();
        live = undefined;
      }
      page = await this.#reader.page({ after: this.#after, limit: this.#limit, epoch: page.epoch });
    }
    return ending('restart');
  }

  async *#follow(live: LiveEvents): AsyncGenerator<string, Ending> {
    let commentAtMs = Date.now() + COMMENT_EVERY_MS;
    while (!this.#stopped) {
      const item = await live.next(commentAtMs - Date.now());
      if (item.kind === 'close') return CODES.has(item.code) ? { code: item.code, reason: item.reason } : ending('restart');
      if (item.kind === 'events') {
        const fresh = item.events.filter((event) => event.seq > this.#after);
        if (fresh.length > 0 && fresh[0]?.seq !== this.#after + 1) return ending('restart');
        if (fresh.length > 0) yield this.#block(fresh);
        live.written(item.events, item.bytes);
      }
      if (item.kind === 'signal') yield `event: signal\ndata: ${JSON.stringify(item.signal)}\n\n`;
      if (Date.now() < commentAtMs) continue;
      if (this.#reader.caller.tokenExpiresAtMs <= Date.now()) return ending('tokenExpired');
      commentAtMs = Date.now() + COMMENT_EVERY_MS;
      live.ping();
      yield ':\n\n';
    }
    return ending('restart');
  }

  #open(after: number, epoch: string): Promise<LiveEvents> {
    return this.#reader.live({ after, epoch, signals: this.#signals });
  }

  #block(events: readonly Event[]): string {
    this.#after = events.at(-1)?.seq ?? this.#after;
    return events.map((event) => `id: ${event.seq}\ndata: ${JSON.stringify(event)}\n\n`).join('');
  }
}

const REASONS: Readonly<Record<CloseReason, string>> = {
  restart: 'come back with jitter',
  badFrame: 'bad frame',
  tokenExpired: 'token expired',
  removed: 'removed',
  tooSlow: 'too slow',
  sessionDeleted: 'session deleted',
  rate: 'rate',
};

function ending(reason: CloseReason): Ending {
  return { code: CLOSE_CODES[reason], reason: REASONS[reason] };
}

/** What failed once the stream had begun: whoever comes back is told in full. */
function endingOf(error: unknown): Ending {
  if (!(error instanceof Refused)) {
    log('error', 'an event stream failed', describeError(error));
    return ending('restart');
  }
  const { code } = error.refusal;
  if (code === 'session_not_found') return ending('removed');
  if (code === 'rate_limited') return ending('rate');
  if (code === 'unauthenticated') return ending('tokenExpired');
  return ending('restart');
}
