import type { EventParser } from '../../shared/contract/event-schema.ts';
import type { AckLine } from './ack-line.ts';
import type { Tracer } from '../../shared/telemetry/tracer.ts';
import { backoffMs, wait, within } from './backoff.ts';
import { BatchHandler, type BatchBounds, type Settlements } from './batch.ts';
import { BATCH_EVENTS_FIRST, nextBatchEvents, nextInHandEvents } from './caution.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { Incoming } from './incoming.ts';
import { describe, type Log } from './log.ts';
import { NO_METRICS, type Metrics } from './metrics.ts';
import type { Projection } from './projection.ts';
import { every, SYSTEM_TIME, type Time } from './time.ts';

/** Where messages come from. */
export interface Source {
  /** hands over at most eventsMax messages as they come; resolves when the pull ended, rejects when there is nothing to pull from */
  pull(eventsMax: number, take: (incoming: Incoming) => void): Promise<void>;
  /** ends a pull in progress, and every later one at once */
  stop(): void;
}

export interface RunnerPorts {
  projection: Projection;
  source: Source;
  deadLetters: DeadLetters;
  /** absent: nobody is told of what becomes final */
  settlements?: Settlements;
  /** absent: each acknowledgement that somebody waits for is confirmed by itself */
  line?: AckLine;
  /** makes stream and durable where they are missing */
  ensure: () => Promise<void>;
  /** absent: that of this build */
  parse?: EventParser | undefined;
  /** absent: nothing is traced */
  tracer?: Tracer | undefined;
  log: Log;
  /** absent: nobody measures */
  metrics?: Metrics;
  /** absent: the system's */
  time?: Time;
}

export interface RunnerBounds {
  pullEventsMax: number;
  /** pulls under way at the same time; absent: PULLS_AT_ONCE */
  pullsAtOnce?: number;
  /** absent: IN_HAND_EVENTS_MAX */
  inHandEventsMax?: number;
  /** how often the server hears that messages in hand are being worked on */
  workingEveryMs: number;
  /** how often stream and durable are looked for: a deleted durable stalls without a sign */
  ensureEveryMs: number;
  /** what is in hand at a stop is brought to an end for so long */
  drainMsMax: number;
  /** absent: the batch's own */
  batch?: BatchBounds;
}

/** one store batch, where the projection names no other; what pulls brought beyond it is the next batch */
const BATCH_EVENTS_MAX = 1_000;
const BATCH_BYTES_MAX = 4 * 1024 * 1024;
/** a second one is asked for while the first comes in: else the server waits between them */
const PULLS_AT_ONCE = 2;
/** pulled, or asked for, and not settled yet: while batches are written the next ones are fetched; at it nothing is pulled */
const IN_HAND_EVENTS_MAX = 4_000;
/** at it nothing is pulled either; pulls under way may go beyond it by what they bring */
const IN_HAND_BYTES_MAX = 16 * 1024 * 1024;
/** a batch that is not full waits so long for those under way: many small ones cost a store more than few large ones */
const GATHER_MS_MAX = 50;
const PULL_RETRY_BOUNDS = { minMs: 200, maxMs: 5_000 };

/**
 * Runs one projection until stopped: pull, batch, settle. The next messages are pulled while batches are written, up to a bound, and
 * none while messages in hand wait for a failing store.
 */
export class Runner {
  readonly #ports: RunnerPorts;
  readonly #bounds: RunnerBounds;
  readonly #time: Time;
  readonly #stop = new AbortController();
  readonly #handler: BatchHandler;
  /** undefined: all, also those that nobody here knows */
  readonly #types: ReadonlySet<string> | undefined;
  readonly #inHand = new Set<Incoming>();
  #queue: Incoming[] = [];
  #wake: () => void = () => {};
  readonly #waitingPulls = new Set<() => void>();
  #inHandBytes = 0;
  /** of pulls under way, and not come yet */
  #asked = 0;
  /** pulls that failed since one did not, whoever asked: what is in the way of one is in the way of all */
  #failures = 0;
  #batchEvents = BATCH_EVENTS_FIRST;
  /** how many may be in hand: few at first, and after a suspect */
  #allowed = 1;
  #running: Promise<void> | undefined;

  constructor(ports: RunnerPorts, bounds: RunnerBounds) {
    this.#ports = ports;
    this.#bounds = bounds;
    const { types } = ports.projection;
    this.#types = types === 'all' ? undefined : new Set<string>(types);
    const time = ports.time ?? SYSTEM_TIME;
    this.#time = time;
    this.#handler = new BatchHandler({
      ...ports,
      ...(bounds.batch === undefined ? {} : { bounds: bounds.batch }),
      time,
      now: () => time.now(),
      random: () => time.random(),
      wait: async (ms) => await wait(ms, this.#stop.signal, time),
      stopping: () => this.#stop.signal.aborted,
    });
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Ends pulling, brings what is in hand to an end within drainMsMax, and gives the rest back. Never rejects. */
  async stop(): Promise<void> {
    const { source, log } = this.#ports;
    this.#stop.abort();
    source.stop();
    this.#wakePulls();
    try {
      await within(this.#bounds.drainMsMax, 'draining', this.#running ?? Promise.resolve(), this.#time);
    } catch (error) {
      log('warn', 'stopped with messages in hand: they come again', { messages: this.#inHand.size, error: describe(error) });
    }
  }

  async #run(): Promise<void> {
    const sayWorking = (): void => {
      for (const incoming of this.#inHand) incoming.working();
    };
    const stopSaying = every(this.#bounds.workingEveryMs, sayWorking, this.#time);
    const ensuring = this.#ensureRegularly();
    const pulled = { ended: false };
    const processing = this.#processUntil(pulled);
    try {
      const lanes = this.#bounds.pullsAtOnce ?? PULLS_AT_ONCE;
      await Promise.all(Array.from({ length: lanes }, async () => await this.#pullUntilStopped()));
    } finally {
      pulled.ended = true;
      this.#wake();
      await processing;
      stopSaying();
      await ensuring;
    }
  }

  async #pullUntilStopped(): Promise<void> {
    const { projection, log } = this.#ports;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const events = this.#pullEvents();
      if (!this.#hasRoomFor(events)) {
        await new Promise<void>((resolve) => {
          this.#waitingPulls.add(resolve);
        });
        continue;
      }
      try {
        await this.#pull(events);
        if (this.#failures > 0) log('info', 'pulling again', { consumer: projection.name });
        this.#failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        this.#failures += 1;
        if (this.#failures === 1) log('warn', 'cannot pull', { consumer: projection.name, error: describe(error) });
        await wait(backoffMs(this.#failures, PULL_RETRY_BOUNDS, this.#time.random()), signal, this.#time);
        await this.#ensure();
      }
    }
  }

  async #pull(events: number): Promise<void> {
    let left = events;
    let highestDeliveries = 0;
    this.#asked += events;
    try {
      await this.#ports.source.pull(events, (incoming) => {
        left -= 1;
        this.#asked -= 1;
        const isWanted = this.#isWanted(incoming);
        highestDeliveries = Math.max(highestDeliveries, isWanted ? incoming.deliveries : 1);
        if (isWanted) this.#take(incoming);
        // lost on the way, it comes again
        else incoming.ackUnconfirmed();
      });
    } finally {
      this.#asked -= left;
      const eventsMax = this.#bounds.inHandEventsMax ?? IN_HAND_EVENTS_MAX;
      if (highestDeliveries > 0) this.#allowed = nextInHandEvents(this.#allowed, highestDeliveries, eventsMax);
      this.#wakePulls();
      this.#wake();
    }
  }

  #pullEvents(): number {
    return Math.min(this.#bounds.pullEventsMax, this.#allowed);
  }

  /** By its subject, which says no more than a type: the durable has no filter. */
  #isWanted({ subject }: Incoming): boolean {
    if (this.#types === undefined) return true;
    const [, , , family = '', what = '', ...rest] = subject.split('.');
    return rest.length === 1 && this.#types.has(`${family}.${what}`);
  }

  /** Few at a time are taken only when nothing else is in hand. */
  #hasRoomFor(events: number): boolean {
    if (this.#handler.isPaused || this.#inHandBytes >= IN_HAND_BYTES_MAX) return false;
    return this.#allowed - this.#inHand.size - this.#asked >= events;
  }

  #wakePulls(): void {
    for (const resolve of this.#waitingPulls) resolve();
    this.#waitingPulls.clear();
  }

  #take(incoming: Incoming): void {
    this.#inHand.add(incoming);
    this.#inHandBytes += incoming.data.length;
    this.#queue.push(incoming);
    this.#wake();
  }

  readonly #release = (incoming: Incoming): void => {
    if (this.#inHand.delete(incoming)) this.#inHandBytes -= incoming.data.length;
    this.#wakePulls();
  };

  /** Processes what comes until nothing more does and nothing is left. */
  async #processUntil(pulled: { ended: boolean }): Promise<void> {
    const batchesMax = this.#ports.projection.batchesAtOnce ?? 1;
    const batches = new Set<Promise<void>>();
    for (;;) {
      if (batches.size >= batchesMax) await Promise.race(batches);
      if (this.#queue.length === 0) {
        if (pulled.ended) break;
        await this.#woken();
        // what arrives together makes one batch
        for (let before = 0; this.#queue.length > before && this.#queue.length < this.#batchEvents;) {
          before = this.#queue.length;
          await this.#time.turn();
        }
        continue;
      }
      await this.#gathered(batches, pulled);
      const batch = this.#process(this.#nextBatch()).finally(() => batches.delete(batch));
      batches.add(batch);
    }
    await Promise.all(batches);
  }

  /**
   * Until the next batch is full. One that is not goes at once when none is under way, or as soon as one has ended; or after its
   * moment, where the projection rather waits for more.
   */
  async #gathered(batches: ReadonlySet<Promise<void>>, pulled: { ended: boolean }): Promise<void> {
    const { gatherMs } = this.#ports.projection;
    if (gatherMs === undefined && batches.size === 0) return;
    const moment = { isOver: false };
    const over = (): void => {
      moment.isOver = true;
      this.#wake();
    };
    const cancel = this.#time.after(gatherMs ?? GATHER_MS_MAX, over);
    if (gatherMs === undefined) void Promise.race(batches).then(over);
    while (!moment.isOver && !pulled.ended && !this.#isFull()) await this.#woken();
    cancel();
  }

  /** As large as a batch may be, or nothing more can come before it. */
  #isFull(): boolean {
    return this.#queue.length >= this.#batchEvents || (this.#asked === 0 && !this.#hasRoomFor(this.#pullEvents()));
  }

  async #woken(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }

  async #process(batch: readonly Incoming[]): Promise<void> {
    const begunMs = this.#time.now();
    await this.#handler.process(batch, this.#release);
    const done = { events: batch.length, tookMs: this.#time.now() - begunMs };
    (this.#ports.metrics ?? NO_METRICS).batch(this.#ports.projection.name, done.events, done.tookMs);
    const eventsMax = this.#ports.projection.batchEventsMax ?? BATCH_EVENTS_MAX;
    this.#batchEvents = nextBatchEvents(this.#batchEvents, done, eventsMax);
  }

  #nextBatch(): Incoming[] {
    let bytes = 0;
    const cut = this.#queue.findIndex((incoming, index) => {
      bytes += incoming.data.length;
      return index >= this.#batchEvents || (index > 0 && bytes > BATCH_BYTES_MAX);
    });
    const batch = cut === -1 ? this.#queue : this.#queue.slice(0, cut);
    this.#queue = cut === -1 ? [] : this.#queue.slice(cut);
    return batch;
  }

  async #ensureRegularly(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await wait(this.#bounds.ensureEveryMs, signal, this.#time);
      if (!signal.aborted) await this.#ensure();
    }
  }

  async #ensure(): Promise<void> {
    try {
      await this.#ports.ensure();
    } catch (error) {
      this.#ports.log('warn', 'cannot look after stream and durable', { error: describe(error) });
    }
  }
}
