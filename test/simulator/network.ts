import type { FaultKind } from './faults.ts';
import type { Machine } from './machine.ts';
import type { World } from './world.ts';

const LATENCY_MS_MAX = 8;
/** a call that is slow takes up to so many times what its caller waits for it */
const SLOW_FACTOR_MAX = 1.5;
const PARTITION_MS_MIN = 2_000;
const PARTITION_MS_MAX = 90_000;

export interface Call {
  from: Machine;
  /** the node that is called */
  to: string;
  what: string;
  timeoutMs: number;
  /** how its loss on the way there, on the way back, and its repetition are counted */
  lost?: FaultKind;
  answerLost?: FaultKind;
  repeated?: FaultKind;
  /** a crash of the caller may come with this call */
  crash?: FaultKind;
}

export class TimedOut extends Error {
  constructor(what: string) {
    super(`${what} timed out`);
    this.name = 'TimedOut';
  }
}

/** Carries calls between nodes: late, in another order, twice, or not at all, one way or the other. */
export class Network {
  readonly #world: World;
  readonly #cutUntilMs = new Map<string, number>();

  constructor(world: World) {
    this.#world = world;
  }

  /** Nothing gets from one node to another for a while; the other way is not touched. */
  partition(from: string, to: string): void {
    const ms = this.#world.between(PARTITION_MS_MIN, PARTITION_MS_MAX);
    this.#cutUntilMs.set(`${from}>${to}`, this.#world.nowMs + ms);
    this.#world.note('network', `nothing gets from ${from} to ${to} for ${ms} ms`);
  }

  heal(): void {
    this.#cutUntilMs.clear();
  }

  isCut(from: string, to: string): boolean {
    return (this.#cutUntilMs.get(`${from}>${to}`) ?? 0) > this.#world.nowMs;
  }

  latencyMs(): number {
    return this.#world.between(1, LATENCY_MS_MAX);
  }

  /** One way, for what nobody answers. */
  send(from: Machine, to: string, effect: () => void): void {
    if (this.isCut(from.node, to)) return;
    this.#world.clock.after(this.latencyMs(), effect);
  }

  /** Rejects with TimedOut when no answer came; what was asked for may have happened all the same, or may yet. */
  call<T>(call: Call, effect: () => T | Promise<T>): Promise<T> {
    const { from, to, what, timeoutMs } = call;
    const world = this.#world;
    return new Promise<T>((resolve, reject) => {
      const cancel = from.after(timeoutMs, () => reject(new TimedOut(what)));
      this.#crashAround(call);
      if (this.isCut(from.node, to) || this.#strikes(call.lost)) return;
      const answer = (): void => {
        // an effect that throws answers by its rejection
        const done = new Promise<T>((settle) => settle(effect()));
        done.then(
          (value) => this.#back(call, () => (cancel(), resolve(value))),
          (error: unknown) => this.#back(call, () => (cancel(), reject(error))),
        );
      };
      const slowMs = world.faults.strikes('call-slow') ? world.between(0, timeoutMs * SLOW_FACTOR_MAX) : 0;
      world.clock.after(this.latencyMs() + slowMs, answer);
      if (this.#strikes(call.repeated)) world.clock.after(this.latencyMs() + world.between(0, timeoutMs), answer);
    });
  }

  #back({ from, to, answerLost }: Call, settle: () => void): void {
    if (this.isCut(to, from.node) || this.#strikes(answerLost)) return;
    this.#world.clock.after(this.latencyMs(), () => from.hand(settle));
  }

  /** A process may die at every await: before what it asked for happened, or after. */
  #crashAround({ from, crash, what }: Call): void {
    if (!this.#strikes(crash)) return;
    this.#world.clock.after(this.#world.between(0, LATENCY_MS_MAX * 3), () => {
      if (!from.alive) return;
      this.#world.note(from.name, `dies around ${what}`);
      from.kill();
    });
  }

  #strikes(kind: FaultKind | undefined): boolean {
    return kind !== undefined && this.#world.faults.strikes(kind);
  }
}
