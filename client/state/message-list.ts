import { isWhole, type Event, type MessageAnswer, type WholeEvent, type WholeEventOf } from '../wire.ts';
import { ERASED_CREATIONS_MAX } from '../net/bounds.ts';
import { edited, erased, messageOf, reacted, tombstoneOf, type ClientMessage, type ReactionChange, type Row } from './rows.ts';

/** How far back a list is loaded. */
export interface Extent {
  /** every message from this seq on is here */
  floor: number;
  /** asks for the next older page; absent: there is none */
  nextCursor: string | undefined;
}

/** A stretch of messages away from the newest ones, as a jump leaves it. */
export interface Window extends Extent {
  /** every message from `floor` to this seq is here */
  ceiling: number;
  /** asks for the next newer page */
  previousCursor: string;
}

/** The messages that are loaded, as events and pages bring them in any interleaving. */
export class MessageList {
  readonly #rows = new Map<string, Row>();
  readonly #me: () => string | undefined;
  /** of the list of all messages; absent before its first page */
  extent: Extent | undefined;
  /** set it by `showWindow` of message-window.ts */
  window: Window | undefined;
  readonly threads = new Map<string, Extent>();
  /** ids whose counts may have been read too early or too late, to be read again once the seq is reached */
  readonly stale = new Map<string, number>();
  /** Messages whose creation came erased, so without its parent: their deletion, further on, names it. Oldest first. */
  readonly #uncounted = new Set<string>();
  #sorted: readonly ClientMessage[] | undefined;
  readonly #sortedThreads = new Map<string, readonly ClientMessage[]>();

  constructor(me: () => string | undefined) {
    this.#me = me;
  }

  clear(): void {
    this.#rows.clear();
    this.extent = undefined;
    this.window = undefined;
    this.threads.clear();
    this.stale.clear();
    this.#uncounted.clear();
    this.changed();
  }

  get(id: string): ClientMessage | undefined {
    return this.#rows.get(id)?.message;
  }

  /** Lists are made anew when next asked for: extents moved, or rows. */
  changed(): void {
    this.#sorted = undefined;
    this.#sortedThreads.clear();
  }

  /** Those of the window where there is one. Oldest first; the same array for as long as nothing in it changed. */
  all(): readonly ClientMessage[] {
    const { floor = Infinity, ceiling = Infinity }: Partial<Window> = this.window ?? this.extent ?? {};
    return (this.#sorted ??= this.#select(({ seq }) => seq >= floor && seq <= ceiling));
  }

  thread(parentId: string): readonly ClientMessage[] {
    const known = this.#sortedThreads.get(parentId);
    if (known !== undefined) return known;
    const floor = this.threads.get(parentId)?.floor ?? Infinity;
    const thread = this.#select((message) => message.parentId === parentId && message.seq >= floor);
    this.#sortedThreads.set(parentId, thread);
    return thread;
  }

  /**
   * Takes in a page read between two seqs. What is here already stays, as events have kept it new; `since` are the events that
   * came while the page was on its way.
   */
  merge(messages: readonly MessageAnswer[], low: number, high: number, since: readonly Event[]): void {
    const fresh = new Set<string>();
    for (const message of messages) {
      if (this.#rows.has(message.id)) continue;
      fresh.add(message.id);
      this.#put({ message: { ...message, state: 'sent' }, low, high });
    }
    this.#overlay(since, fresh);
  }

  /** One message read anew: newer than whatever is here. */
  replace(message: MessageAnswer, low: number, high: number, since: readonly Event[]): void {
    this.stale.delete(message.id);
    this.#put({ message: { ...message, state: 'sent' }, low, high });
    this.#overlay(since, new Set([message.id]));
  }

  created(event: WholeEventOf<'message.created'>): void {
    const { seq } = event;
    if (!this.#rows.has(event.data.id)) this.#put({ message: messageOf(event), low: seq, high: seq });
    if (event.data.parentId !== undefined) this.#countReply(event.data.parentId, seq);
  }

  createdErased(id: string): void {
    this.#uncounted.add(id);
    const oldest = this.#uncounted.values().next().value;
    if (this.#uncounted.size > ERASED_CREATIONS_MAX && oldest !== undefined) this.#uncounted.delete(oldest);
  }

  updated(event: WholeEventOf<'message.updated'>): void {
    this.#change(event.data.id, (message) => edited(message, event));
  }

  /** An edit whose text is gone, as its message will be further on: that there was one stays known. */
  updatedErased(id: string, editedAt: string): void {
    this.#change(id, (message) =>
      message.editedAt !== undefined && message.editedAt >= editedAt ? message : { ...message, editedAt },
    );
  }

  deleted(event: WholeEventOf<'message.deleted'>): void {
    const { id, messageSeq, parentId } = event.data;
    // whether or not there is a row for it: a page may have brought one, and a list may not reach back to it
    if (this.#uncounted.delete(id) && parentId !== undefined) this.#countReply(parentId, messageSeq);
    if (this.#rows.has(id)) return this.#change(id, (message) => erased(message, event.time));
    // before its first page a list may begin anywhere
    const floor = Math.min(this.extent?.floor ?? 0, this.threads.get(parentId ?? '')?.floor ?? Infinity);
    if (messageSeq < floor) return;
    this.#put({ message: tombstoneOf(event), low: messageSeq, high: messageSeq });
    // its creation came erased, and replies to it found no row to be counted in
    this.stale.set(id, event.seq);
  }

  reaction(messageId: string, seq: number, change: ReactionChange): void {
    this.#count(messageId, seq, (message) => reacted(message, change, this.#me()));
  }

  /** Lays events over rows that were not here when they came. */
  #overlay(events: readonly Event[], fresh: ReadonlySet<string>): void {
    const uncounted = new Set<string>();
    for (const event of events) {
      if (isWhole(event)) this.#overlayWhole(event, fresh, uncounted);
      else if (event.type === 'message.created') uncounted.add(event.subject);
      else if (event.type === 'message.updated' && fresh.has(event.subject)) this.updatedErased(event.subject, event.time);
    }
  }

  #overlayWhole(event: WholeEvent, fresh: ReadonlySet<string>, uncounted: ReadonlySet<string>): void {
    if (event.type === 'message.created') {
      const { parentId } = event.data;
      if (parentId !== undefined && fresh.has(parentId)) this.#countReply(parentId, event.seq);
    } else if (event.type === 'message.updated') {
      if (fresh.has(event.data.id)) this.updated(event);
    } else if (event.type === 'message.deleted') {
      const { id, messageSeq, parentId } = event.data;
      if (uncounted.has(id) && parentId !== undefined && fresh.has(parentId)) this.#countReply(parentId, messageSeq);
      if (fresh.has(id)) this.deleted(event);
    } else if (event.type === 'reaction.added' || event.type === 'reaction.removed') {
      const { messageId, emoji, userId } = event.data;
      if (fresh.has(messageId)) this.reaction(messageId, event.seq, { emoji, userId, added: event.type === 'reaction.added' });
    }
  }

  #countReply(parentId: string, seq: number): void {
    this.#count(parentId, seq, (message) => ({ ...message, replyCount: message.replyCount + 1 }));
  }

  /** Something that must be counted once: left out when the row has it, and read again when that is not known. */
  #count(id: string, seq: number, change: (message: ClientMessage) => ClientMessage): void {
    const row = this.#rows.get(id);
    if (row === undefined || seq <= row.low) return;
    if (seq > row.high) this.#change(id, change);
    else this.stale.set(id, row.high);
  }

  #change(id: string, change: (message: ClientMessage) => ClientMessage): void {
    const row = this.#rows.get(id);
    if (row === undefined) return;
    const message = change(row.message);
    if (message !== row.message) this.#put({ ...row, message });
  }

  #put(row: Row): void {
    this.#rows.set(row.message.id, row);
    this.changed();
  }

  #select(wanted: (message: ClientMessage) => boolean): readonly ClientMessage[] {
    const found = [...this.#rows.values()].map(({ message }) => message).filter(wanted);
    return found.sort((a, b) => a.seq - b.seq);
  }
}
