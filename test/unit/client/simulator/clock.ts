/** Simulated time: what is due runs in order, and promises settle in between. */
export class SimulatedClock {
  nowMs = Date.UTC(2026, 0, 1);
  #tasks: { atMs: number; order: number; run: () => void; cancelled: boolean }[] = [];
  #order = 0;

  after(ms: number, run: () => void): () => void {
    const task = { atMs: Math.ceil(this.nowMs + Math.max(0, ms)), order: (this.#order += 1), run, cancelled: false };
    // binary insertion: the list stays sorted by time, and by order among equals
    let low = 0;
    let high = this.#tasks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#tasks[middle]?.atMs ?? 0) <= task.atMs) low = middle + 1;
      else high = middle;
    }
    this.#tasks.splice(low, 0, task);
    return () => {
      task.cancelled = true;
    };
  }

  /** Runs what is due up to `untilMs`, or until `done` says so. */
  async run(untilMs: number, done: () => boolean = () => false): Promise<void> {
    await settle();
    while (!done()) {
      const task = this.#tasks[0];
      if (task === undefined || task.atMs > untilMs) break;
      this.#tasks.shift();
      if (task.cancelled) continue;
      this.nowMs = Math.max(this.nowMs, task.atMs);
      task.run();
      await settle();
    }
    if (!done()) this.nowMs = Math.max(this.nowMs, untilMs);
  }
}

/** Lets every promise that can settle do so: the loop turns only once its microtasks are through. */
export function settle(): Promise<void> {
  return new Promise((turned) => setImmediate(turned));
}

/** mulberry32: small, seeded, good enough to choose what goes wrong. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
