import type { Time } from '../../consumers/runtime/time.ts';
import type { World } from './world.ts';

/** clocks of different machines are up to this far from the truth, either way */
const SKEW_MS_MAX = 10 * 60_000;
const SKEW_COUNTS_MS = 1_000;

/** A clock that may be wrong, and that stays so while its machine runs. */
export function drawSkew(world: World): number {
  if (!world.faults.enabled.has('clock-skewed') || world.chance(0.3)) return 0;
  const skewMs = world.between(-SKEW_MS_MAX, SKEW_MS_MAX);
  if (Math.abs(skewMs) >= SKEW_COUNTS_MS) world.faults.happened('clock-skewed');
  return skewMs;
}

/**
 * One life of a process, from its start to its end or crash. What it waits for comes back to it by `hand`: to a dead one
 * nothing does, to a frozen one it does later.
 */
export class Machine {
  readonly name: string;
  /** which side of the network it is on */
  readonly node: string;
  readonly world: World;
  readonly skewMs: number;
  alive = true;
  #frozenUntilMs = 0;
  readonly #onDeath: (() => void)[] = [];

  constructor(world: World, node: string, name: string, skewMs: number) {
    this.world = world;
    this.node = node;
    this.name = name;
    this.skewMs = skewMs;
  }

  now(): number {
    return this.world.nowMs + this.skewMs;
  }

  after(ms: number, run: () => void): () => void {
    return this.world.clock.after(ms, () => this.hand(run));
  }

  /** Lets the process go on with something, if there still is one. */
  hand(run: () => void): void {
    if (!this.alive) return;
    const leftMs = this.#frozenUntilMs - this.world.nowMs;
    if (leftMs > 0) this.world.clock.after(leftMs, () => this.hand(run));
    else run();
  }

  /** As SIGSTOP and SIGCONT do: nothing happens in it meanwhile, and then all at once. */
  freeze(ms: number): void {
    this.#frozenUntilMs = this.world.nowMs + ms;
  }

  /** As kill -9: nothing of what was in memory happens any more. */
  kill(): void {
    if (!this.alive) return;
    this.alive = false;
    for (const told of this.#onDeath) told();
  }

  onDeath(told: () => void): void {
    this.#onDeath.push(told);
  }

  /** The runtime's time, as this process sees it. */
  readonly time: Time = {
    now: () => this.now(),
    random: () => this.world.random(),
    after: (ms, run) => this.after(ms, run),
    turn: () => new Promise((resolve) => void this.after(0, resolve)),
  };
}
