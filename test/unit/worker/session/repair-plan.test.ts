import { describe, expect, test } from 'vitest';
import { repairBackoffMs, repairDueMs, republishAtMs, type RepairFacts } from '../../../../worker/session/repair-plan.ts';

const NOW = 1_000_000_000;
const AFTER = 60_000;
const quiet: RepairFacts = { nowMs: NOW, afterMs: AFTER, lastProgressMs: 0, attempts: 0, askedAtMs: 0, goesOn: false };
const WINDOW = 120_000;

describe('the next round of the repair', () => {
  const missing = { ...quiet, oldestSentMs: NOW - 3_600_000 };

  const cells: [what: string, facts: RepairFacts, due: number | undefined][] = [
    ['nothing that was sent is without its receipt', quiet, undefined],
    ['the same, whatever was known before', { ...quiet, attempts: 5, goesOn: true, republishAtMs: NOW }, undefined],
    ['published just now', { ...quiet, oldestSentMs: NOW }, NOW + AFTER],
    ['published long ago', missing, NOW - 3_600_000 + AFTER],
    ['a consumer is catching up', { ...missing, lastProgressMs: NOW - 1_000 }, NOW - 1_000 + AFTER],
    ['asked once', { ...missing, attempts: 1, askedAtMs: NOW }, NOW + 30_000],
    ['asked twice', { ...missing, attempts: 2, askedAtMs: NOW }, NOW + 60_000],
    ['asked often', { ...missing, attempts: 50, askedAtMs: NOW }, NOW + 600_000],
    ['asked, and its time came later', { ...quiet, oldestSentMs: NOW, attempts: 1, askedAtMs: NOW - 1 }, NOW + AFTER],
    ['the backoff counts from the round, not from now', { ...missing, attempts: 1, askedAtMs: NOW - 20_000 }, NOW + 10_000],
    ['a round goes on at once', { ...missing, attempts: 1, askedAtMs: NOW, goesOn: true }, NOW],
    [
      'one may be published again before the next round',
      { ...missing, attempts: 9, askedAtMs: NOW, republishAtMs: NOW + 5 },
      NOW + 5,
    ],
    [
      'one may be published again after it',
      { ...missing, attempts: 1, askedAtMs: NOW, republishAtMs: NOW + 90_000 },
      NOW + 30_000,
    ],
  ];
  test.each(cells)('%s', (_what, facts, due) => {
    expect(repairDueMs(facts)).toBe(due);
  });

  test('a shorter time makes everything shorter', () => {
    expect(repairBackoffMs(1, 1_000)).toBe(500);
    expect(repairBackoffMs(1_000, 1_000)).toBe(10_000);
  });
});

describe('an event that is nowhere is published again', () => {
  test.each([
    [0, 150_000],
    [1, 300_000],
    [2, 600_000],
    [4, 2_400_000],
    [5, 3_600_000],
    [1_000_000, 3_600_000],
  ])('after %i attempts, %i ms after the last', (attempts, waitMs) => {
    expect(republishAtMs({ atMs: NOW, attempts }, WINDOW)).toBe(NOW + waitMs);
  });

  test('never within the window in which it would be taken for a repetition', () => {
    for (let attempts = 0; attempts < 40; attempts += 1) {
      for (const windowMs of [100, 1_000, WINDOW, 3_600_000]) {
        expect(republishAtMs({ atMs: NOW, attempts }, windowMs)).toBeGreaterThan(NOW + windowMs);
      }
    }
  });
});
