import { expect, test } from 'vitest';
import { atLeast, atMost, targetTable } from '../../../bench/targets.ts';

test('a target is met at its limit, and what was not measured is no target', () => {
  expect(atLeast('rate', 3, 3, '×')[0]?.isMet).toBe(true);
  expect(atLeast('rate', 2.99, 3, '×')[0]?.isMet).toBe(false);
  expect(atMost('p99', 100, 100, 'ms')[0]?.isMet).toBe(true);
  expect(atMost('p99', 100.1, 100, 'ms')[0]?.isMet).toBe(false);
  expect(atMost('p99', undefined, 100, 'ms')).toEqual([]);
});

test('the table says of each target what was wanted, and says missed aloud', () => {
  const lines = targetTable([...atLeast('rate', 12_345.6, 3, '×'), ...atMost('p99', 100.126, 100, 'ms')]).split('\n');
  expect(lines[1]).toMatch(/^rate +12,346 × +at least 3 +met$/);
  expect(lines[2]).toMatch(/^p99 +100\.13 ms +at most 100 +MISSED$/);
});
