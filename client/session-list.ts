import { Emitter } from './emitter.ts';
import type { Cancel, Environment } from './environment.ts';
import { asMillraceError, type MillraceError } from './error.ts';
import type { Inbox } from './inbox.ts';
import { fullJitterMs } from './net/backoff.ts';
import { RECONNECT_BASE_MS, RECONNECT_MS_MAX, SESSION_LIST_EVERY_MS, SESSION_LIST_GAP_MS } from './net/bounds.ts';
import type { Http } from './net/http.ts';
import { pathOf } from './queries.ts';
import { EMPTY_SESSION_LIST, type SessionListSnapshot } from './session-list-snapshot.ts';
import type { InboxItem, Page, SessionsItem } from './wire.ts';

const SESSIONS_PER_PAGE = 30;

/**
 * One's sessions, newest activity first. Counts come by the inbox at once; titles and last messages by reading the first page
 * again, which is where whatever moved is now.
 */
export class SessionList {
  readonly #environment: Environment;
  readonly #http: Http;
  readonly #inbox: Inbox;
  readonly #changed = new Emitter<void>();
  #snapshot = EMPTY_SESSION_LIST;
  #items: readonly SessionsItem[] = [];
  /** of the page after the last one read */
  #nextCursor: string | undefined;
  /** heads and counts as the inbox said last */
  #seen: readonly InboxItem[] = [];
  #holders = 0;
  #reading = false;
  #again = false;
  #readAtMs = Number.NEGATIVE_INFINITY;
  #attempt = 0;
  #cancel: Cancel = () => {};
  #release: () => void = () => {};

  constructor(environment: Environment, http: Http, inbox: Inbox) {
    this.#environment = environment;
    this.#http = http;
    this.#inbox = inbox;
  }

  readonly getSnapshot = (): SessionListSnapshot => this.#snapshot;

  readonly subscribe = (listener: () => void): (() => void) => this.#changed.on(listener);

  /** Keeps it up to date until the answer is called. */
  open(): () => void {
    this.#holders += 1;
    if (this.#holders === 1) this.#start();
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#holders -= 1;
      if (this.#holders === 0) this.close();
    };
  }

  /** Reads the next page; false when there is none. */
  async loadMore(): Promise<boolean> {
    const cursor = this.#nextCursor;
    if (cursor === undefined) return false;
    const page = await this.#page(cursor);
    // another call was faster
    if (this.#nextCursor !== cursor) return true;
    this.#nextCursor = page.nextCursor;
    const known = new Set(this.#items.map(({ session }) => session.id));
    this.#show([...this.#items, ...page.items.filter(({ session }) => !known.has(session.id))]);
    return true;
  }

  /** What was read is kept, for whoever opens it again. */
  close(): void {
    this.#cancel();
    this.#release();
    this.#release = () => {};
  }

  #start(): void {
    const releaseInbox = this.#inbox.open();
    const off = this.#inbox.subscribe(() => this.#follow());
    this.#release = () => {
      off();
      releaseInbox();
    };
    if (this.#snapshot.status === 'idle') this.#show(this.#items, { status: 'loading' });
    this.#seen = this.#inbox.getSnapshot().items;
    void this.#read();
  }

  /** What the inbox says counts at once, and whatever it has more of is read. */
  #follow(): void {
    const { items } = this.#inbox.getSnapshot();
    if (items === this.#seen) return;
    const before = new Map(this.#seen.map((item) => [item.sessionId, item]));
    const news = items.filter((item) => before.get(item.sessionId)?.head !== item.head).map(({ sessionId }) => sessionId);
    // of a session that the inbox names for the first time nobody knows whether it moved
    const moved = news.filter((id) => before.has(id));
    const gone = [...before.keys()].filter((id) => !items.some(({ sessionId }) => sessionId === id));
    this.#seen = items;
    const stays = this.#items.filter(({ session }) => !gone.includes(session.id));
    // the inbox has what changed last at its end
    const rank = new Map(moved.map((id, index) => [id, index]));
    const first = stays.filter(({ session }) => rank.has(session.id));
    first.sort((a, b) => (rank.get(b.session.id) ?? 0) - (rank.get(a.session.id) ?? 0));
    this.#show([...first, ...stays.filter(({ session }) => !rank.has(session.id))]);
    if (news.length > 0) this.#soon();
  }

  #soon(): void {
    if (this.#reading) {
      this.#again = true;
      return;
    }
    const waitMs = this.#readAtMs + SESSION_LIST_GAP_MS - this.#environment.now();
    this.#cancel();
    this.#cancel = this.#environment.after(Math.max(0, waitMs), () => void this.#read());
  }

  async #read(): Promise<void> {
    if (this.#reading) return;
    this.#reading = true;
    this.#again = false;
    this.#cancel();
    let error: MillraceError | undefined;
    try {
      this.#readAtMs = this.#environment.now();
      this.#merge(await this.#page());
      this.#attempt = 0;
    } catch (caught) {
      error = asMillraceError(caught);
      this.#attempt += 1;
      this.#show(this.#items, { error });
    } finally {
      this.#reading = false;
    }
    if (this.#holders === 0) return;
    if (error === undefined && this.#again) return this.#soon();
    const { after, random } = this.#environment;
    const backoffMs = fullJitterMs(this.#attempt, RECONNECT_BASE_MS, RECONNECT_MS_MAX, random);
    // sessions of many members are not pushed to inboxes (contract: at more than 1,000)
    const waitMs = error === undefined ? SESSION_LIST_EVERY_MS : Math.max(error.retryAfterMs ?? 0, backoffMs);
    this.#cancel = after(waitMs, () => void this.#read());
  }

  #merge(page: Page<SessionsItem>): void {
    const fresh = new Set(page.items.map(({ session }) => session.id));
    // a first page that is the last is all there is
    const rest = page.nextCursor === undefined ? [] : this.#items.filter(({ session }) => !fresh.has(session.id));
    const isFirst = this.#snapshot.status !== 'ready';
    if (isFirst || page.nextCursor === undefined) this.#nextCursor = page.nextCursor;
    this.#show([...page.items, ...rest], { status: 'ready', error: undefined });
  }

  #page(cursor?: string): Promise<Page<SessionsItem>> {
    return this.#http.read(pathOf('sessions.list', { limit: SESSIONS_PER_PAGE, cursor }));
  }

  #show(items: readonly SessionsItem[], change: Partial<SessionListSnapshot> = {}): void {
    this.#items = items;
    const counts = new Map(this.#seen.map((item) => [item.sessionId, item]));
    const shown = items.map((item) => withCounts(item, counts.get(item.session.id)));
    this.#snapshot = { ...this.#snapshot, ...change, items: shown, hasMore: this.#nextCursor !== undefined };
    this.#changed.emit();
  }
}

/** Of two that know a session, the one that knows more of it is right about its counts. */
function withCounts(item: SessionsItem, counted: InboxItem | undefined): SessionsItem {
  if (counted === undefined || counted.head < item.session.head) return item;
  const { unread, mentions } = counted;
  return unread === item.unread && mentions === item.mentions ? item : { ...item, unread, mentions };
}
