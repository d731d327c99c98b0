import { sleep } from './backoff.ts';

/** Lets at most `inFlight` through at once, and `perSecond` in a second; first come, first served. */
export class Gate {
  readonly #intervalMs: number;
  readonly #waiting: (() => void)[] = [];
  #free: number;
  #nextAtMs = 0;

  constructor(inFlight: number, perSecond: number | undefined) {
    this.#free = inFlight;
    this.#intervalMs = perSecond === undefined ? 0 : 1_000 / perSecond;
  }

  async enter(): Promise<void> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (this.#intervalMs === 0) return;
    const nowMs = performance.now();
    const atMs = Math.max(nowMs, this.#nextAtMs);
    this.#nextAtMs = atMs + this.#intervalMs;
    if (atMs > nowMs) await sleep(atMs - nowMs);
  }

  leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free += 1;
    else next();
  }
}

/** Runs `work` on every item, at most `width` at once. */
export async function forEachLimited<T>(items: readonly T[], width: number, work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  await Promise.all(
    Array.from({ length: Math.min(width, items.length) }, async () => {
      for (const item of queue) await work(item);
    }),
  );
}
