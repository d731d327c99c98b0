import {
  isWhole,
  type Event,
  type MemberAnswer,
  type MessageAnswer,
  type MessagesPage,
  type Page,
  type PresenceAnswer,
  type SessionAnswer,
  type TraceAnswer,
  type TraceDetail,
} from '../wire.ts';
import { upcast } from '../../shared/core/upcast.ts';
import { asMillraceError, MillraceError } from '../error.ts';
import type { Environment } from '../environment.ts';
import { fullJitterMs } from '../net/backoff.ts';
import { OVERLAY_EVENTS_MAX, PRESENCE_PAGES_MAX, RECONNECT_BASE_MS, RECONNECT_MS_MAX } from '../net/bounds.ts';
import type { Extent } from './message-list.ts';
import type { SessionView } from './session-view.ts';

export interface LoaderPort {
  /** a query under the session's path */
  get<T>(path: string): Promise<T>;
  cursor(): number;
  epoch(): string | undefined;
  changed(): void;
}

/** What was read, and between which seqs. */
interface Read<T> {
  value: T;
  low: number;
  high: number;
  /** events that came while it was on its way */
  since: readonly Event[];
}

const MESSAGES_PATH = '/messages?limit=100';
const MEMBERS_PER_PAGE = 100;
const PRESENCE_PER_PAGE = 100;
/** pages of spans of one trace; more are not read */
const SPAN_PAGES_MAX = 100;
/** repetitions of a read that was overrun by events */
const OVERRUN_READS_MAX = 3;

/** Reads pages into a view while events go on. */
export class Loader {
  readonly #environment: Environment;
  readonly #view: SessionView;
  readonly #port: LoaderPort;
  /** rises with every start over: a page of before is thrown away */
  #generation = 0;
  #loads = 0;
  /** rises with every reading of the first pages */
  #firsts = 0;
  #since: Event[] = [];
  #overrun = false;
  #refreshing = false;

  constructor(environment: Environment, view: SessionView, port: LoaderPort) {
    this.#environment = environment;
    this.#view = view;
    this.#port = port;
  }

  /** What is on its way is not wanted any more. */
  startOver(): void {
    this.#generation += 1;
    this.#since = [];
    this.#overrun = false;
  }

  /** The view has applied these. */
  delivered(events: readonly Event[]): void {
    if (this.#loads > 0) {
      this.#since.push(...events);
      if (this.#since.length > OVERLAY_EVENTS_MAX) {
        this.#since = [];
        this.#overrun = true;
      }
    }
    this.#refreshDue();
  }

  #changed(): void {
    this.#port.changed();
    this.#refreshDue();
  }

  #refreshDue(): void {
    if (this.#view.messages.stale.size > 0) void this.refreshStale();
  }

  /** The session, its newest messages and its first members. */
  async first(): Promise<void> {
    const { get } = this.#port;
    const turn = (this.#firsts += 1);
    const { value, low, high, since } = await this.#read(() =>
      Promise.all([get<MessagesPage>(MESSAGES_PATH), get<Page<MemberAnswer>>(`/members?limit=${MEMBERS_PER_PAGE}`)]),
    );
    // asked for again meanwhile: those pages begin later, and what was deleted below them since was left out
    if (turn !== this.#firsts) return;
    const [messages, members] = value;
    this.#view.messages.merge(messages.items, low, high, since);
    this.#view.messages.extent = extentOf(messages, Infinity);
    this.#view.mergeMembers(members.items, since);
    this.#view.messages.changed();
    this.#changed();
  }

  /** The first members again: read pointers move by signals, which a lost connection loses. */
  async members(): Promise<void> {
    const { value, since } = await this.#read(() => this.#port.get<Page<MemberAnswer>>(`/members?limit=${MEMBERS_PER_PAGE}`));
    this.#view.mergeMembers(value.items, since);
    this.#changed();
  }

  /** The next older messages; false when there are none. */
  async older(): Promise<boolean> {
    const extent = this.#view.messages.extent;
    if (extent?.nextCursor === undefined) return false;
    const page = await this.page(extent, '');
    this.#view.messages.extent = extentOf(page, extent.floor);
    this.#view.messages.changed();
    this.#changed();
    return true;
  }

  /** The newest replies to a message, and with each further call older ones; false when there are none. */
  async thread(parentId: string): Promise<boolean> {
    const { threads } = this.#view.messages;
    const extent = threads.get(parentId);
    if (extent !== undefined && extent.nextCursor === undefined) return false;
    const page = await this.page(extent, `&parentId=${encodeURIComponent(parentId)}`);
    threads.set(parentId, extentOf(page, extent?.floor ?? Infinity));
    this.#view.messages.changed();
    this.#changed();
    return true;
  }

  async traces(cursor?: string): Promise<string | undefined> {
    const query = cursor === undefined ? '' : `?cursor=${encodeURIComponent(cursor)}`;
    const { value, since } = await this.#read(() => this.#port.get<Page<TraceAnswer>>(`/traces${query}`));
    this.#view.traces.merge(value.items);
    this.#overlayTraces(since);
    this.#changed();
    return value.nextCursor;
  }

  /** A trace with all its spans, within the bound. */
  async trace(id: string): Promise<void> {
    const path = `/traces/${encodeURIComponent(id)}`;
    let cursor: string | undefined;
    for (let pages = 0; pages < SPAN_PAGES_MAX; pages += 1) {
      const query: string = cursor === undefined ? '' : `?cursor=${encodeURIComponent(cursor)}`;
      const { value, since } = await this.#read(() => this.#port.get<TraceDetail>(path + query));
      const { spans, nextCursor, ...trace } = value;
      this.#view.traces.merge([trace]);
      this.#view.traces.mergeSpans(id, spans);
      this.#overlayTraces(since);
      cursor = nextCursor;
      if (cursor === undefined) break;
    }
    this.#changed();
  }

  #overlayTraces(since: readonly Event[]): void {
    for (const event of since.map((each) => upcast(each))) if (isWhole(event)) this.#view.traces.apply(event);
  }

  async presence(): Promise<void> {
    const all: PresenceAnswer[] = [];
    let cursor: string | undefined;
    for (let pages = 0; pages < PRESENCE_PAGES_MAX; pages += 1) {
      const after: string = cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const page = await this.#port.get<Page<PresenceAnswer>>(`/presence?limit=${PRESENCE_PER_PAGE}${after}`);
      all.push(...page.items);
      cursor = page.nextCursor;
      if (cursor === undefined) break;
    }
    this.#view.live.setPresence(all);
    this.#changed();
  }

  /** Reads messages again that were read at a moment that nobody can tell: one after the other, and until it succeeds. */
  async refreshStale(attempt = 0): Promise<void> {
    if (this.#refreshing) return;
    this.#refreshing = true;
    const generation = this.#generation;
    let failed = false;
    try {
      for (let id = this.#nextStale(); id !== undefined; id = this.#nextStale()) await this.#refresh(id);
    } catch (error) {
      failed = asMillraceError(error).transient;
      // whoever may not read it any more need not know it better
      if (!failed && generation === this.#generation) this.#view.messages.stale.clear();
    } finally {
      this.#refreshing = false;
    }
    if (!failed || generation !== this.#generation) return;
    const waitMs = fullJitterMs(attempt, RECONNECT_BASE_MS, RECONNECT_MS_MAX, this.#environment.random);
    this.#environment.after(waitMs, () => void this.refreshStale(attempt + 1));
  }

  /** What a count between `low` and `high` changes is only known to be in a page that is read past it. */
  #nextStale(): string | undefined {
    for (const [id, seq] of this.#view.messages.stale) if (seq <= this.#port.cursor()) return id;
    return undefined;
  }

  async #refresh(id: string): Promise<void> {
    const { messages } = this.#view;
    try {
      const path = `/messages/${encodeURIComponent(id)}`;
      const { value, low, high, since } = await this.#read(() => this.#port.get<MessageAnswer>(path));
      messages.replace(value, low, high, since);
      this.#changed();
    } catch (error) {
      if (asMillraceError(error).code !== 'message_not_found') throw error;
      messages.stale.delete(id);
    }
  }

  /** A page of messages, merged into the view: the one below an extent, or by its query, `&` first. */
  async page(extent: Extent | undefined, query: string): Promise<MessagesPage> {
    if (extent?.nextCursor !== undefined) query += `&before=${encodeURIComponent(extent.nextCursor)}`;
    const { value, low, high, since } = await this.#read(() => this.#port.get<MessagesPage>(MESSAGES_PATH + query));
    this.#view.messages.merge(value.items, low, high, since);
    return value;
  }

  /** Reads something between two known seqs: from the cursor of now to the head of right after. */
  async #read<T>(ask: () => Promise<T>): Promise<Read<T>> {
    const generation = this.#generation;
    this.#loads += 1;
    try {
      for (let attempt = 0; attempt < OVERRUN_READS_MAX; attempt += 1) {
        this.#overrun = false;
        const low = this.#port.cursor();
        const value = await ask();
        const session = await this.#port.get<SessionAnswer>('');
        if (generation !== this.#generation || session.epoch !== (this.#port.epoch() ?? session.epoch)) throw superseded();
        if (this.#overrun) continue;
        const since = this.#since.filter(({ seq }) => seq > low);
        this.#view.setSession(session, since);
        return { value, low, high: session.head, since };
      }
      throw new MillraceError('unavailable', 'Too many events to read a page beside them.', { status: 503 });
    } finally {
      this.#loads -= 1;
      if (this.#loads === 0) this.#since = [];
    }
  }
}

function superseded(): MillraceError {
  return new MillraceError('epoch_changed', 'The session was started over.', { status: 409 });
}

export function extentOf(page: MessagesPage, floor: number): Extent {
  const { nextCursor } = page;
  const lowest = page.items.reduce((least, { seq }) => Math.min(least, seq), floor);
  return { nextCursor, floor: nextCursor === undefined ? 0 : lowest };
}
