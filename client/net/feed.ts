import type { Event, EventsPage, Welcome } from '../wire.ts';
import { asMillraceError, MillraceError } from '../error.ts';
import { CATCH_UP_PAGE_EVENTS, GAP_EVENTS_MAX } from './bounds.ts';

export interface FeedPort {
  /** a page of `…/events` */
  page(query: string): Promise<EventsPage>;
  /** the next events: each once, in order, none left out since the last `startOver` */
  deliver(events: readonly Event[]): void;
  /** What was known no longer counts: events follow from `cursor` + 1. The first connection says so too. */
  startOver(cursor: number, epoch: string): void;
  /** everything up to the welcome's head was delivered */
  caughtUp(): void;
  /** flow control: all up to this seq was taken */
  received(seq: number): void;
  resume(error: MillraceError): void;
  end(error: MillraceError): void;
  /** somebody takes events one by one: then a long gap is read, however long */
  wantsEveryEvent(): boolean;
}

/** Makes one contiguous run of events of what sockets and catch-up pages bring. */
export class Feed {
  readonly #port: FeedPort;
  #cursor: number | undefined;
  #epoch: string | undefined;
  #head = 0;
  /** rises with every welcome: catch-up of an earlier connection stops */
  #turn = 0;
  /** while a gap is read: what the socket brought. Bounded by the window, as nothing of it is acknowledged. */
  #held: { events: readonly Event[]; chars: number }[] | undefined;
  #window = { events: 10_000, bytes: 8 * 1024 * 1024 };
  #unreceived = { events: 0, chars: 0 };

  constructor(port: FeedPort, from?: { after: number; epoch?: string | undefined }) {
    this.#port = port;
    this.#cursor = from?.after;
    this.#epoch = from?.epoch;
  }

  get cursor(): number {
    return this.#cursor ?? 0;
  }

  get epoch(): string | undefined {
    return this.#epoch;
  }

  /** of the socket's address */
  get query(): string {
    return this.#cursor === undefined ? '' : `?${this.#after(this.#cursor)}`;
  }

  welcome({ epoch, head, from, window }: Welcome): void {
    const turn = (this.#turn += 1);
    this.#held = undefined;
    this.#window = window;
    this.#unreceived = { events: 0, chars: 0 };
    this.#head = head;
    const cursor = this.#cursor;
    const sameRun = cursor !== undefined && cursor <= head && (this.#epoch === undefined || this.#epoch === epoch);
    if (!sameRun) return this.#startOver(from - 1, epoch);
    this.#epoch = epoch;
    if (from <= cursor + 1) return this.#tellCaughtUp();
    if (from - 1 - cursor > GAP_EVENTS_MAX && !this.#port.wantsEveryEvent()) return this.#startOver(from - 1, epoch);
    this.#held = [];
    void this.#fill(turn, from - 1);
  }

  /** What the socket brought; `chars` is the size of its frame. */
  events(events: readonly Event[], chars: number): void {
    if (this.#held === undefined) this.#take(events, chars);
    else this.#held.push({ events, chars });
  }

  /** The socket is gone, and with it what it brought ahead of a gap. */
  disconnected(): void {
    this.#turn += 1;
    this.#held = undefined;
  }

  /** Forgets everything: the next welcome is a first one. */
  forget(): void {
    this.disconnected();
    this.#cursor = undefined;
    this.#epoch = undefined;
  }

  #after(cursor: number): string {
    return `after=${cursor}${this.#epoch === undefined ? '' : `&epoch=${encodeURIComponent(this.#epoch)}`}`;
  }

  #startOver(cursor: number, epoch: string): void {
    this.#cursor = cursor;
    this.#epoch = epoch;
    this.#port.startOver(cursor, epoch);
    this.#tellCaughtUp();
  }

  #tellCaughtUp(): void {
    if (this.cursor >= this.#head) this.#port.caughtUp();
  }

  #take(events: readonly Event[], chars: number): void {
    const next = this.#contiguous(events);
    if (next.length > 0) {
      const before = this.cursor;
      this.#cursor = before + next.length;
      this.#port.deliver(next);
      if (before < this.#head) this.#tellCaughtUp();
    }
    this.#acknowledge(events.length, chars);
    if (events.some(({ seq }) => seq > this.cursor)) {
      this.#port.resume(new MillraceError('protocol', 'The server left out an event.'));
    }
  }

  /** Those that follow the cursor without a gap; what was delivered already is dropped. */
  #contiguous(events: readonly Event[]): Event[] {
    let reached = this.cursor;
    const next: Event[] = [];
    for (const event of events) {
      if (event.seq !== reached + 1) continue;
      next.push(event);
      reached = event.seq;
    }
    return next;
  }

  /** Says `received` at a quarter of the window. */
  #acknowledge(events: number, chars: number): void {
    this.#unreceived.events += events;
    this.#unreceived.chars += chars;
    const due = this.#unreceived.events * 4 >= this.#window.events || this.#unreceived.chars * 4 >= this.#window.bytes;
    if (!due) return;
    this.#unreceived = { events: 0, chars: 0 };
    this.#port.received(this.cursor);
  }

  async #fill(turn: number, target: number): Promise<void> {
    try {
      while (this.cursor < target) {
        const page = await this.#port.page(`${this.#after(this.cursor)}&limit=${CATCH_UP_PAGE_EVENTS}`);
        if (turn !== this.#turn) return;
        const next = this.#contiguous(page.items);
        if (next.length === 0) throw new MillraceError('protocol', 'Catch-up brings nothing.');
        this.#cursor = this.cursor + next.length;
        this.#port.deliver(next);
        if (turn !== this.#turn) return;
      }
      const held = this.#held ?? [];
      this.#held = undefined;
      this.#tellCaughtUp();
      for (const { events, chars } of held) if (turn === this.#turn) this.#take(events, chars);
    } catch (error) {
      if (turn === this.#turn) this.#fillFailed(asMillraceError(error));
    }
  }

  #fillFailed(error: MillraceError): void {
    if (error.code === 'epoch_changed') {
      this.forget();
      this.#port.resume(error);
    } else if (error.transient || error.code === 'protocol' || error.status === 401) this.#port.resume(error);
    else this.#port.end(error);
  }
}
