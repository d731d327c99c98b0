import type { Percentiles } from '../../shared/contract/analytics.ts';

/** As analytics counts them (contract §2): the value at floor(level × n) of n in rising order; of none, zeros. */
export function percentilesOf(values: readonly number[]): Percentiles {
  const sorted = values.toSorted((a, b) => a - b);
  const [p50 = 0, p95 = 0, p99 = 0] = [0.5, 0.95, 0.99].map((level) => sorted[Math.floor(level * sorted.length)]);
  return { p50, p95, p99 };
}
