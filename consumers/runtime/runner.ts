import { backoffMs, wait, within } from './backoff.ts';
import { BatchHandler, type BatchBounds, type Settlements } from './batch.ts';
import { nextPullEvents } from './caution.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { Incoming } from './incoming.ts';
import { describe, type Log } from './log.ts';
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
  settlements: Settlements;
  /** makes stream and durable where they are missing */
  ensure: () => Promise<void>;
  log: Log;
  /** absent: the system's */
  time?: Time;
}

export interface RunnerBounds {
  pullEventsMax: number;
  /** how often the server hears that messages in hand are being worked on */
  workingEveryMs: number;
  /** how often stream and durable are looked for: a deleted durable stalls without a sign */
  ensureEveryMs: number;
  /** what is in hand at a stop is brought to an end for so long */
  drainMsMax: number;
  /** absent: the batch's own */
  batch?: BatchBounds;
}

/** one store batch; what a pull brought beyond it is the next batch */
const BATCH_EVENTS_MAX = 100;
const BATCH_BYTES_MAX = 4 * 1024 * 1024;
const PULL_RETRY_BOUNDS = { minMs: 200, maxMs: 5_000 };

/** Runs one projection until stopped: pull, batch, settle. Nothing is pulled while messages in hand wait for a failing store. */
export class Runner {
  readonly #ports: RunnerPorts;
  readonly #bounds: RunnerBounds;
  readonly #time: Time;
  readonly #stop = new AbortController();
  readonly #handler: BatchHandler;
  readonly #inHand = new Set<Incoming>();
  #queue: Incoming[] = [];
  #wake: () => void = () => {};
  #pullEvents = 1;
  #highestDeliveries = 0;
  #running: Promise<void> | undefined;

  constructor(ports: RunnerPorts, bounds: RunnerBounds) {
    this.#ports = ports;
    this.#bounds = bounds;
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
    try {
      await this.#pullUntilStopped();
    } finally {
      stopSaying();
      await ensuring;
    }
  }

  async #pullUntilStopped(): Promise<void> {
    const { source, projection, log } = this.#ports;
    let failures = 0;
    while (!this.#stop.signal.aborted) {
      this.#highestDeliveries = 0;
      const ended = { yet: false };
      const pull = source
        .pull(this.#pullEvents, (incoming) => this.#take(incoming))
        .finally(() => {
          ended.yet = true;
          this.#wake();
        });
      // settled below; without this a rejection while a batch is being stored would count as unhandled
      pull.catch(() => {});
      const taken = await this.#processUntil(ended);
      if (taken > 0) this.#pullEvents = nextPullEvents(this.#pullEvents, this.#highestDeliveries, this.#bounds.pullEventsMax);
      try {
        await pull;
        if (failures > 0) log('info', 'pulling again', { consumer: projection.name });
        failures = 0;
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        failures += 1;
        if (failures === 1) log('warn', 'cannot pull', { consumer: projection.name, error: describe(error) });
        await wait(backoffMs(failures, PULL_RETRY_BOUNDS, this.#time.random()), this.#stop.signal, this.#time);
        await this.#ensure();
      }
    }
  }

  #take(incoming: Incoming): void {
    this.#inHand.add(incoming);
    this.#highestDeliveries = Math.max(this.#highestDeliveries, incoming.deliveries);
    this.#queue.push(incoming);
    this.#wake();
  }

  /** Processes what comes until the pull ended and nothing is left. Returns how many came. */
  async #processUntil(ended: { yet: boolean }): Promise<number> {
    let taken = 0;
    for (;;) {
      if (this.#queue.length === 0) {
        if (ended.yet) return taken;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        // what arrived in the same packet makes one batch
        await this.#time.turn();
        continue;
      }
      const batch = this.#nextBatch();
      taken += batch.length;
      await this.#handler.process(batch, (incoming) => this.#inHand.delete(incoming));
    }
  }

  #nextBatch(): Incoming[] {
    let bytes = 0;
    const cut = this.#queue.findIndex((incoming, index) => {
      bytes += incoming.data.length;
      return index >= BATCH_EVENTS_MAX || (index > 0 && bytes > BATCH_BYTES_MAX);
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
