import { describe, expect, it } from 'vitest';
import { retryAfterMs, retryDelayMs } from '../../../../scripts/replay/backoff.ts';

describe('waiting before another attempt', () => {
  it('is never sooner than the server asked, and bounded', () => {
    expect(retryDelayMs(0, 2_000, () => 0)).toBe(2_000);
    expect(retryDelayMs(50, 0, () => 1)).toBe(3_000);
    expect(retryDelayMs(50, 10 ** 9, () => 1)).toBe(33_000);
  });

  it('is spread over the whole span', () => {
    expect([0, 0.5, 1].map((random) => retryDelayMs(2, 0, () => random))).toEqual([0, 100, 200]);
  });

  it.each([
    [null, 0],
    ['3', 3_000],
    ['0.5', 500],
    ['-1', 0],
    ['soon', 0],
    ['Thu, 01 Jan 1970 00:00:10 GMT', 9_000],
  ])('reads Retry-After %s', (header, expected) => {
    expect(retryAfterMs(header, 1_000)).toBe(expected);
  });
});
