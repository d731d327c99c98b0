import type { Generations } from '../../consumers/runtime/generations.ts';
import type { Projection } from '../../consumers/runtime/projection.ts';
import type { ReadModel } from '../../consumers/runtime/read-model.ts';
import { SYSTEM_TIME, type Time } from '../../consumers/runtime/time.ts';

/** The least read model that can be kept twice: which sessions had a message, in memory. */
export class Shelf {
  readonly #copies = new Map<number, Map<string, bigint>>([[1, new Map()]]);
  #current = 1;

  current(): Map<string, bigint> {
    return this.#copies.get(this.#current) ?? new Map<string, bigint>();
  }

  generations(): number[] {
    return [...this.#copies.keys()];
  }

  get currentNumber(): number {
    return this.#current;
  }

  put(n: number): Map<string, bigint> {
    if (this.#copies.has(n)) throw new Error(`there is a copy ${n}`);
    const copy = new Map<string, bigint>();
    this.#copies.set(n, copy);
    return copy;
  }

  swap(n: number): void {
    this.#current = n;
  }

  drop(n: number): void {
    if (n === this.#current) throw new Error('it serves');
    this.#copies.delete(n);
  }
}

export function shelfReadModel(shelf: Shelf): ReadModel {
  const close = async (): Promise<void> => await Promise.resolve();
  const projectionTo = (copyNow: () => Map<string, bigint>): Projection => ({
    name: 'shelf',
    types: ['message.created'],
    async handle(batch) {
      const copy = copyNow();
      for (const { event } of batch) copy.set(event.sessionid, BigInt(event.clock));
      return await Promise.resolve(batch.map(() => ({ kind: 'ok' }) as const));
    },
    healthy: async () => await Promise.resolve(true),
  });
  const generations: Generations = {
    list: async () => {
      const current = shelf.currentNumber;
      return await Promise.resolve({ current, others: shelf.generations().filter((n) => n !== current) });
    },
    make: async (n) => {
      const copy = shelf.put(n);
      return await Promise.resolve({ projection: projectionTo(() => copy), close });
    },
    swap: async (n) => await Promise.resolve(shelf.swap(n)),
    drop: async (n) => await Promise.resolve(shelf.drop(n)),
    close,
  };
  return {
    name: 'shelf',
    open: async () => await Promise.resolve({ projection: projectionTo(() => shelf.current()), close }),
    openGenerations: async () => await Promise.resolve(generations),
  };
}

/**
 * Time that goes so many times as fast, and only where somebody waits for it: a machine that stands still for a moment has not
 * stood still for minutes of this.
 */
export function fasterTime(times: number): Time {
  let nowMs = Date.now();
  return {
    ...SYSTEM_TIME,
    now: () => nowMs,
    after: (ms, run) => {
      const dueMs = nowMs + ms;
      return SYSTEM_TIME.after(ms / times, () => {
        nowMs = Math.max(nowMs, dueMs);
        run();
      });
    },
  };
}
