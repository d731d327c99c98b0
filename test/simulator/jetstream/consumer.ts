import type { World } from '../world.ts';
import { subjectMatches, type SimulatedStream, type StoredMessage } from './stream.ts';

export interface ConsumerSettings {
  name: string;
  filters: readonly string[];
  ackWaitMs: number;
  ackPendingMax: number;
  /** the first sequence that it hands out */
  startSeq: number;
  /** who reads once and acknowledges nothing */
  acks: boolean;
}

export interface Pull {
  left: number;
  deliver(message: StoredMessage, deliveries: number): void;
}

interface Pending {
  deliveries: number;
  dueAtMs: number;
}

/** A consumer as JetStream keeps it: where it stands, what is out, and what comes again. */
export class SimulatedConsumer {
  readonly settings: ConsumerSettings;
  readonly config: object;
  readonly createdMs: number;
  /** the sequence that is looked at next; may stand beyond a stream that lost its tail */
  nextSeq: number;
  /** the last that was handed out for the first time: what lies above it and is for others leaves it where it is */
  #deliveredSeq: number;
  redelivered = 0;
  readonly #world: World;
  readonly #stream: SimulatedStream;
  readonly #pending = new Map<number, Pending>();
  readonly #again: number[] = [];
  readonly #deliveries = new Map<number, number>();
  #pulls: Pull[] = [];
  readonly #wanted = new Map<string, boolean>();
  #pumping = false;

  constructor(world: World, stream: SimulatedStream, settings: ConsumerSettings, config: object, nowMs: number) {
    this.#world = world;
    this.#stream = stream;
    this.settings = settings;
    this.config = config;
    this.createdMs = nowMs;
    this.nextSeq = settings.startSeq;
    this.#deliveredSeq = settings.startSeq - 1;
  }

  get ackPending(): number {
    return this.#pending.size;
  }

  /** a purge moves it up */
  get deliveredSeq(): number {
    return Math.max(this.#deliveredSeq, this.#stream.firstSeq - 1);
  }

  /** every message up to here is settled, or was never for this consumer */
  get ackFloor(): number {
    let floor = this.deliveredSeq;
    for (const seq of [...this.#pending.keys(), ...this.#again]) floor = Math.min(floor, seq - 1);
    return floor;
  }

  /** messages that were not handed out yet */
  get waiting(): number {
    let count = 0;
    for (let seq = Math.max(this.nextSeq, this.#stream.firstSeq); seq <= this.#stream.lastSeq; seq += 1) {
      if (this.#wants(seq)) count += 1;
    }
    return count;
  }

  pull(pull: Pull): void {
    this.#pulls.push(pull);
    this.pump();
  }

  endPull(pull: Pull): void {
    this.#pulls = this.#pulls.filter((each) => each !== pull);
  }

  /** Forgets who waits: their connections are gone. */
  dropPulls(): void {
    this.#pulls = [];
  }

  acknowledge(seq: number): void {
    this.#pending.delete(seq);
    this.#deliveries.delete(seq);
    this.pump();
  }

  retry(seq: number, delayMs: number): void {
    const pending = this.#pending.get(seq);
    if (pending === undefined) return;
    pending.dueAtMs = this.#world.nowMs + delayMs;
    this.#watch(seq, pending);
  }

  working(seq: number): void {
    const pending = this.#pending.get(seq);
    if (pending !== undefined) pending.dueAtMs = this.#world.nowMs + this.settings.ackWaitMs;
  }

  /** Hands a message out once more although nothing is wrong with its first delivery. */
  repeat(seq: number): void {
    if (this.#pending.has(seq)) this.#redeliver(seq);
  }

  /** A state as it was written to disk some time ago: what was acknowledged since comes again. */
  stepBack(seqs: number): void {
    this.nextSeq = Math.max(this.settings.startSeq, this.nextSeq - seqs);
    this.#deliveredSeq = Math.min(this.#deliveredSeq, this.nextSeq - 1);
  }

  pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (this.#pulls.length > 0) {
        const seq = this.#next();
        if (seq === undefined) return;
        this.#deliver(seq);
      }
    } finally {
      this.#pumping = false;
    }
  }

  #next(): number | undefined {
    const again = this.#again.shift();
    if (again !== undefined) return again;
    if (this.#pending.size >= this.settings.ackPendingMax) return undefined;
    this.nextSeq = Math.max(this.nextSeq, this.#stream.firstSeq);
    while (this.nextSeq <= this.#stream.lastSeq) {
      const seq = this.nextSeq;
      this.nextSeq += 1;
      if (!this.#wants(seq)) continue;
      this.#deliveredSeq = seq;
      return seq;
    }
    return undefined;
  }

  #deliver(seq: number): void {
    const message = this.#stream.messages.get(seq);
    const pull = this.#pulls[0];
    if (message === undefined || pull === undefined) {
      // it was purged, or lost, while it was out
      this.#pending.delete(seq);
      this.#deliveries.delete(seq);
      return;
    }
    const deliveries = (this.#deliveries.get(seq) ?? 0) + 1;
    if (deliveries > 1) this.redelivered += 1;
    pull.left -= 1;
    if (pull.left <= 0) this.#pulls.shift();
    if (this.settings.acks) {
      this.#deliveries.set(seq, deliveries);
      const pending: Pending = { deliveries, dueAtMs: this.#world.nowMs + this.settings.ackWaitMs };
      this.#pending.set(seq, pending);
      this.#watch(seq, pending);
    }
    pull.deliver(message, deliveries);
  }

  /** Comes again once nothing was heard of it for the ack wait, or when a delay is over. */
  #watch(seq: number, pending: Pending): void {
    this.#world.clock.after(Math.max(0, pending.dueAtMs - this.#world.nowMs), () => {
      if (this.#pending.get(seq) !== pending) return;
      if (pending.dueAtMs > this.#world.nowMs) this.#watch(seq, pending);
      else this.#redeliver(seq);
    });
  }

  #redeliver(seq: number): void {
    this.#pending.delete(seq);
    this.#again.push(seq);
    this.pump();
  }

  #wants(seq: number): boolean {
    const message = this.#stream.messages.get(seq);
    if (message === undefined) return false;
    const { filters } = this.settings;
    if (filters.length === 0) return true;
    // of few subjects there are many messages
    const known = this.#wanted.get(message.subject);
    if (known !== undefined) return known;
    const isWanted = filters.some((filter) => subjectMatches(filter, message.subject));
    this.#wanted.set(message.subject, isWanted);
    return isWanted;
  }
}
