import { expect, test } from 'vitest';
import { comparison, RATIO_MAX, type SizeResults } from '../../../bench/size/measure.ts';
import { sizeTable } from '../../../bench/size/report.ts';

const times = (...ms: number[]) => ms;

test('the ratio is of the medians, and up to the target it is met', () => {
  expect(comparison('command', times(1, 2, 90), times(2, 2.4, 2.5))).toMatchObject({ ratio: 1.2, isMet: true });
  expect(comparison('command', times(1, 2, 3), times(2, 2.5, 90))).toMatchObject({ ratio: 1.25, isMet: false });
  expect(RATIO_MAX).toBe(1.2);
});

test('the table says of each operation what it costs, where pages come from, and whether the target is met', () => {
  const results: SizeResults = {
    store: 'embedded store',
    plan: { smallEvents: 1_000, largeEvents: 100_000, samples: 3 },
    seedMs: 1,
    comparisons: [
      comparison('command', times(2, 2, 2), times(2.1, 2.1, 2.1)),
      { ...comparison('pageOfStore', times(5), times(5)), from: { small: 'store', large: 'store' } },
      { ...comparison('pageAsItComes', times(2), times(5)), from: { small: 'edge', large: 'store' } },
    ],
  };
  const lines = sizeTable(results).split('\n');
  expect(lines[0]).toMatch(/embedded store.* 1,000 +100,000 +ratio +target 1\.2$/);
  expect(lines[1]).toMatch(/^a command +2\.00 +2\.10 +×1\.05 +met$/);
  expect(lines[2]).toMatch(/both of the store\) +5\.00 +5\.00 +×1\.00 +met$/);
  expect(lines[3]).toMatch(/edge beside store\) +2\.00 +5\.00 +×2\.50 +missed$/);
});
