import { createHash, type Hash } from 'node:crypto';
import { SimulatedClock, seeded } from '../unit/client/simulator/clock.ts';
import { Faults, type FaultKind } from './faults.ts';

/** lines kept for whoever looks at a seed that failed */
const TAIL_LINES_MAX = 250;

/** what one seed may schedule: some hundred times what it usually does; more is a loop that never waits */
const TASKS_MAX = 1_500_000;

class CountingClock extends SimulatedClock {
  tasks = 0;

  override after(ms: number, run: () => void): () => void {
    this.tasks += 1;
    return super.after(ms, run);
  }
}

/** The promise that was broken, with what was seen. */
export class Broken extends Error {
  constructor(promise: string, what: string) {
    super(`${promise}: ${what}`);
    this.name = 'Broken';
  }
}

/** What all parts of one simulated run share: one clock, one source of chance, one trace. */
export class World {
  readonly seed: number;
  readonly clock = new CountingClock();
  readonly random: () => number;
  readonly faults: Faults;
  readonly startedAtMs: number;
  /** the first promise that was seen broken; the run ends with it */
  broken: Error | undefined;
  readonly #hash: Hash = createHash('sha256');
  readonly #tail: string[] = [];
  readonly #print: boolean;
  #ids = 0;

  constructor(seed: number, options: { print?: boolean; off?: readonly FaultKind[] } = {}) {
    this.seed = seed;
    this.random = seeded(seed);
    this.faults = new Faults(this.random, options.off ?? []);
    this.startedAtMs = this.clock.nowMs;
    this.#print = options.print === true;
  }

  get nowMs(): number {
    return this.clock.nowMs;
  }

  /** From `min` to `max`, both included. */
  between(min: number, max: number): number {
    return min + Math.floor(this.random() * (max - min + 1));
  }

  chance(share: number): boolean {
    return this.random() < share;
  }

  pick<T>(from: readonly T[]): T | undefined {
    return from[Math.floor(this.random() * from.length)];
  }

  /** Whether the run is over, whatever is still to come. */
  get isOver(): boolean {
    if (this.clock.tasks > TASKS_MAX) this.fail('liveness', `${TASKS_MAX} tasks, and still more: something never waits`);
    return this.broken !== undefined;
  }

  /** An id as a UUIDv7 looks, and the same in every run of the seed. */
  newId(): string {
    this.#ids += 1;
    const tail = this.#ids.toString(16).padStart(12, '0');
    return `01900000-0000-7${this.seed.toString(16).padStart(3, '0').slice(-3)}-8000-${tail}`;
  }

  /** One line of the trace: two runs of a seed have the same lines, or the simulation is not deterministic. */
  note(who: string, what: string): void {
    const line = `${((this.nowMs - this.startedAtMs) / 1_000).toFixed(3)}s ${who}: ${what}`;
    this.#hash.update(line);
    if (this.#print) process.stdout.write(`${line}\n`);
    this.#tail.push(line);
    if (this.#tail.length > TAIL_LINES_MAX * 2) this.#tail.splice(0, TAIL_LINES_MAX);
  }

  fail(promise: string, what: string): void {
    this.note('CHECKER', `${promise} is broken: ${what}`);
    this.broken ??= new Broken(promise, what);
  }

  /** A line of the product's own log. */
  said(who: string, what: string): void {
    this.note(who, what);
    // somebody catches it and tries again for ever: it must not look like an outage
    if (/\b(?:TypeError|ReferenceError|RangeError)\b/.test(what)) this.fail('the simulation is complete', `${who}: ${what}`);
  }

  /** A promise of product code that nobody waits for: it must not reject. */
  background(who: string, work: Promise<unknown>, isAlive: () => boolean): void {
    work.catch((error: unknown) => {
      if (isAlive()) this.fail('a background promise never rejects', `${who}: ${describeError(error)}`);
    });
  }

  traceHash(): string {
    return this.#hash.copy().digest('hex');
  }

  tail(): readonly string[] {
    return this.#tail.slice(-TAIL_LINES_MAX);
  }
}

export function describeError(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
