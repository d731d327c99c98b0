import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareClocks, nextClock, rfc3339 } from '../../../../shared/core/clock.ts';

const clocks = fc.bigInt({ min: 0n, max: 2n ** 70n }).map(String);
const times = fc.integer({ min: 0, max: 8_640_000_000_000_000 });

describe('nextClock', () => {
  it('is now in microseconds, or one above the previous', () => {
    expect(nextClock('0', 1_700_000_000_000)).toBe('1700000000000000');
    expect(nextClock('1700000000000000', 1_700_000_000_000)).toBe('1700000000000001');
    expect(nextClock('1700000000000000', 1_600_000_000_000)).toBe('1700000000000001');
    expect(nextClock('9007199254740993', 0), 'beyond what a number holds').toBe('9007199254740994');
  });

  it('rises whatever the time does', () => {
    fc.assert(
      fc.property(clocks, times, (previous, nowMs) => {
        const next = nextClock(previous, nowMs);
        expect(BigInt(next)).toBeGreaterThan(BigInt(previous));
        expect(BigInt(next)).toBeGreaterThanOrEqual(BigInt(nowMs) * 1000n);
        expect(compareClocks(next, previous)).toBeGreaterThan(0);
      }),
    );
  });
});

describe('compareClocks', () => {
  it('orders as the numbers do', () => {
    fc.assert(
      fc.property(clocks, clocks, (a, b) => {
        const expected = BigInt(a) < BigInt(b) ? -1 : BigInt(a) > BigInt(b) ? 1 : 0;
        expect(Math.sign(compareClocks(a, b))).toBe(expected);
      }),
    );
  });
});

describe('rfc3339', () => {
  it('is UTC with milliseconds', () => {
    expect(rfc3339(0)).toBe('1970-01-01T00:00:00.000Z');
    expect(rfc3339(1_767_323_045_678)).toBe('2026-01-02T03:04:05.678Z');
  });
});
