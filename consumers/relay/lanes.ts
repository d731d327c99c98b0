/** What waits in a lane: a stored message, by its subject and its sequence in the stream. */
export interface Queued {
  readonly subject: string;
  readonly seq: number;
  /** of the payload in hand */
  readonly bytes: number;
}

interface Lane<T> {
  /** by rising seq; the busy one is no longer among them */
  waiting: T[];
  busy: T | undefined;
  notBeforeMs: number;
}

/**
 * One lane per subject: the first in a lane is out, the others wait behind it until it is done, however often it has to be
 * tried. Lanes do not wait for each other. Plain: time comes in, nothing is sent here. What bounds it is the server's bound of
 * messages out at once.
 */
export class Lanes<T extends Queued> {
  readonly #lanes = new Map<string, Lane<T>>();
  /** subjects whose first may go, in the order in which they came to that */
  readonly #ready = new Set<string>();
  /** subjects whose first has to wait for its time */
  readonly #delayed = new Set<string>();
  #size = 0;

  /** Puts a message in its place. One that is here already, delivered again, is answered instead. */
  add(item: T): T | undefined {
    const lane = this.#lanes.get(item.subject) ?? { waiting: [], busy: undefined, notBeforeMs: 0 };
    this.#lanes.set(item.subject, lane);
    if (lane.busy?.seq === item.seq) return lane.busy;
    const before = lane.waiting[this.#placeOf(lane, item) - 1];
    if (before?.seq === item.seq) return before;
    this.#insert(lane, item);
    this.#size += 1;
    this.#order(item.subject, lane);
    return undefined;
  }

  /** The first of lanes that are free and due, the longest waiting lanes first; each is out until `later` or `done`. */
  take(nowMs: number, itemsMax: number, bytesMax: number): T[] {
    for (const subject of this.#delayed) {
      const lane = this.#lanes.get(subject);
      if (lane === undefined || lane.notBeforeMs > nowMs) continue;
      this.#delayed.delete(subject);
      this.#ready.add(subject);
    }
    const taken: T[] = [];
    let bytes = 0;
    for (const subject of this.#ready) {
      const lane = this.#lanes.get(subject);
      const first = lane?.waiting[0];
      if (lane === undefined || first === undefined) continue;
      bytes += first.bytes;
      if (taken.length >= itemsMax || (taken.length > 0 && bytes > bytesMax)) break;
      lane.waiting.shift();
      lane.busy = first;
      this.#ready.delete(subject);
      taken.push(first);
    }
    return taken;
  }

  /** The same message again, before any other of its lane, but not before this time. */
  later(item: T, atMs: number): void {
    const lane = this.#lanes.get(item.subject);
    if (lane === undefined || lane.busy !== item) return;
    lane.busy = undefined;
    lane.notBeforeMs = atMs;
    this.#insert(lane, item);
    this.#order(item.subject, lane);
  }

  /** The message is settled: the next of its lane may go. */
  done(item: T): void {
    const lane = this.#lanes.get(item.subject);
    if (lane === undefined || lane.busy !== item) return;
    lane.busy = undefined;
    lane.notBeforeMs = 0;
    this.#size -= 1;
    if (lane.waiting.length === 0) this.#lanes.delete(item.subject);
    this.#order(item.subject, lane);
  }

  /** Milliseconds until a lane is due; undefined when none waits for its time, or none is free. */
  dueInMs(nowMs: number): number | undefined {
    if (this.#ready.size > 0) return 0;
    let earliest: number | undefined;
    for (const subject of this.#delayed) {
      const { notBeforeMs } = this.#lanes.get(subject) ?? { notBeforeMs: nowMs };
      earliest = Math.min(earliest ?? notBeforeMs, notBeforeMs);
    }
    return earliest === undefined ? undefined : Math.max(0, earliest - nowMs);
  }

  /** All messages in hand, out or waiting. */
  *[Symbol.iterator](): IterableIterator<T> {
    for (const { busy, waiting } of this.#lanes.values()) {
      if (busy !== undefined) yield busy;
      yield* waiting;
    }
  }

  get size(): number {
    return this.#size;
  }

  #insert(lane: Lane<T>, item: T): void {
    lane.waiting.splice(this.#placeOf(lane, item), 0, item);
  }

  /** Almost always the end: what comes out of order was delivered again. */
  #placeOf(lane: Lane<T>, { seq }: Queued): number {
    return lane.waiting.findLastIndex((each) => each.seq <= seq) + 1;
  }

  #order(subject: string, lane: Lane<T>): void {
    const free = lane.busy === undefined && lane.waiting.length > 0;
    if (!free) {
      this.#ready.delete(subject);
      this.#delayed.delete(subject);
    } else if (lane.notBeforeMs > 0) this.#delayed.add(subject);
    else this.#ready.add(subject);
  }
}
