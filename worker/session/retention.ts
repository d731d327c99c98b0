import type { Receipt } from '../../shared/contract/internal.ts';
import { TAIL_EVENTS_MIN, TAIL_MS_MIN, TRIM_BYTES_MAX, TRIM_ROWS_MAX } from '../../shared/core/limits.ts';
import type { EventLog } from './event-log.ts';
import type { RoomPorts } from './ports.ts';
import type { ProgressLog } from './progress-log.ts';

/** What of the persisted stays at the edge all the same. */
export interface Tail {
  eventsMin: number;
  /** events above eventsMin that are worth a trim */
  slackEvents: number;
}

const TAIL: Tail = { eventsMin: TAIL_EVENTS_MIN, slackEvents: 256 };

/** What receipts let go: how much waits to be persisted, and which events may be trimmed. */
export class Retention {
  readonly #ports: RoomPorts;
  readonly #events: EventLog;
  readonly #progress: ProgressLog;
  readonly #tail: Tail;
  /** when a receipt last moved the mark of what is persisted */
  lastProgressMs = 0;
  unpersistedBytes = 0;
  /** the last trim reached its bound of rows or bytes: more of what is old enough is still here */
  trimsOn = false;

  constructor(ports: RoomPorts, events: EventLog, progress: ProgressLog, tail: Tail = TAIL) {
    this.#ports = ports;
    this.#events = events;
    this.#progress = progress;
    this.#tail = tail;
  }

  load(): void {
    this.unpersistedBytes = this.#events.bytesBetween(this.#progress.persisted, this.#events.head);
  }

  /** After a commit: what came, less what an erasure in it freed. */
  committed(bytes: number): void {
    this.unpersistedBytes += bytes - this.#events.takeFreedBytes(this.#progress.persisted);
  }

  take(receipt: Receipt): void {
    const before = this.#progress.persisted;
    this.record(receipt);
    if (this.#progress.persisted > before) this.lastProgressMs = this.#ports.nowMs();
    this.trim();
  }

  /** Full events stay until persisted, a minute longer, and at least the last thousand (design decision 6). */
  trim(): void {
    this.trimsOn = false;
    if (!this.trimmable) return;
    const nowMs = this.#ports.nowMs();
    const settledMark = this.#progress.persistedBefore(nowMs - TAIL_MS_MIN);
    const below = this.#trimBelow(settledMark);
    if (below <= this.#events.floor) return;
    this.#change(() => {
      this.#events.trim(below, { rowsMax: TRIM_ROWS_MAX, bytesMax: TRIM_BYTES_MAX }, this.#ports.digest);
      this.#progress.compact(settledMark, nowMs);
    });
    this.trimsOn = this.#events.floor < below;
  }

  /** persisted events beyond the tail's minimum wait for their age */
  get trimmable(): boolean {
    return this.#trimBelow(this.#progress.persisted) - this.#events.floor >= this.#tail.slackEvents;
  }

  oldestUnpersistedMs(): number | undefined {
    if (this.#progress.persisted >= this.#events.head) return undefined;
    return this.#events.atMs(this.#progress.persisted + 1);
  }

  /** A receipt, or what is as good as one. True when something was new. */
  record(receipt: Pick<Receipt, 'seqs' | 'publishedAt' | 'persistedAt' | 'failures'>): boolean {
    const nowMs = this.#ports.nowMs();
    const before = this.#progress.persisted;
    const fresh = this.#change(() => this.#progress.recordReceipt(receipt, this.#events.head, nowMs));
    this.unpersistedBytes -= this.#events.bytesBetween(before, this.#progress.persisted);
    return fresh;
  }

  /** What is in memory goes with what is stored: it must not be ahead of it after a section that came to nothing. */
  #change<T>(section: () => T): T {
    try {
      return this.#ports.transaction(section);
    } catch (error) {
      this.#events.load();
      this.#progress.load();
      this.load();
      throw error;
    }
  }

  #trimBelow(mark: number): number {
    const kept = this.#events.head - this.#tail.eventsMin + 1;
    return Math.min(kept, mark + 1, this.#progress.oldestFailure() ?? Number.MAX_SAFE_INTEGER);
  }
}
