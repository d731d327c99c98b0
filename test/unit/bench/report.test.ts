import { expect, test } from 'vitest';
import type { JobResult } from '../../../bench/load/job.ts';
import { figureOf, figures, table } from '../../../bench/report.ts';

function result(p50: number, deliveriesPerS: number, http: boolean): JobResult {
  const accept = { p50, p99: p50 * 2, samples: 10 };
  const throughput = {
    deliveriesPerS,
    messagesPerS: deliveriesPerS / 200,
    bytesPerDelivery: 300,
    messagesPerFrame: 1,
    edgeCpuUsPerDelivery: 5,
    allCpuUsPerDelivery: 6,
    edgeCores: 1,
    allCores: 1,
    clientCores: 0.5,
    otherCores: 0,
  };
  return {
    acceptAlone: accept,
    acceptWatched: accept,
    ...(http ? { acceptHttp: accept } : {}),
    throughput,
    fanouts: [accept, accept],
  };
}

const results = [
  { name: 'ours', rounds: [result(1, 100_000, true), result(3, 300_000, true), result(2, 200_000, true)] },
  { name: 'theirs', rounds: [result(4, 50_000, false), result(4, 50_000, false), result(4, 50_000, false)] },
];

test('figures are medians over the rounds, ratios are to the first contestant', () => {
  const all = figures(results);
  expect(all[0]).toMatchObject({ values: [2, 4], least: [1, 4], most: [3, 4], ratios: [1, 2] });
  expect(all.find((each) => each.key === 'deliveriesPerS')).toMatchObject({ values: [200_000, 50_000], ratios: [1, 0.25] });
});

test('what a contestant does not have is a dash, not a zero', () => {
  const lines = table(results).split('\n');
  expect(lines[0]).toMatch(/ours\s+theirs/);
  expect(lines.find((line) => line.includes('HTTP'))).toMatch(/2\.00 \(1\.00–3\.00\)\s+–$/);
  expect(lines.find((line) => line.startsWith('deliveries/s'))).toMatch(/200k \(100k–300k\)\s+50k \(50k–50k\) ×0\.25$/);
});

test('one figure of one contestant is found by name, and is absent where it was not measured', () => {
  expect(figureOf(results, 'theirs', 'deliveriesPerS')).toBe(50_000);
  expect(figureOf(results, 'theirs', 'acceptHttp.p50')).toBeUndefined();
  expect(figureOf(results, 'nobody', 'deliveriesPerS')).toBeUndefined();
});
