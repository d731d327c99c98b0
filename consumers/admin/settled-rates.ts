import type { DurableLook } from '../runtime/durable-look.ts';

/** over how long a rate is taken */
const SPAN_MS = 60_000;
/** shorter spans say more of when they were looked at than of the consumer */
const SPAN_MS_MIN = 1_000;
/** between two that are kept: so there are at most 62, however often somebody looks */
const APART_MS = 1_000;

interface Sample {
  atMs: number;
  created: string;
  settled: number;
}

/** How many deliveries a consumer acknowledges per second, from what was seen of it within the last minute. */
export class SettledRates {
  readonly #samples = new Map<string, Sample[]>();

  note(name: string, { created, settled }: DurableLook, atMs: number): void {
    const before = this.#samples.get(name) ?? [];
    const last = before.at(-1);
    // another durable, or a clock that was set: what was seen before says nothing
    const isSame = last !== undefined && last.created === created && last.settled <= settled && last.atMs <= atMs;
    const kept = isSame ? before.filter((each) => atMs - each.atMs <= SPAN_MS) : [];
    const [beforeLast, newest] = kept.slice(-2);
    // the newest counts always, and makes room for the next one when it came soon after the one before
    if (newest !== undefined && beforeLast !== undefined && newest.atMs - beforeLast.atMs < APART_MS) kept.pop();
    this.#samples.set(name, [...kept, { atMs, created, settled }]);
  }

  /** Undefined until there is enough to tell by. */
  perSecond(name: string): number | undefined {
    const samples = this.#samples.get(name) ?? [];
    const [first, last] = [samples[0], samples.at(-1)];
    if (first === undefined || last === undefined || last.atMs - first.atMs < SPAN_MS_MIN) return undefined;
    return (last.settled - first.settled) / ((last.atMs - first.atMs) / 1_000);
  }
}
