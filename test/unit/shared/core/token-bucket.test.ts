import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TokenBucket } from '../../../../shared/core/token-bucket.ts';

describe('TokenBucket', () => {
  it('gives the burst at once, then says how long to wait', () => {
    const bucket = new TokenBucket(100, 3, 0);
    expect([bucket.take(0), bucket.take(0), bucket.take(0), bucket.take(0)]).toEqual([0, 0, 0, 10]);
    expect(bucket.take(5)).toBe(5);
    expect(bucket.take(10)).toBe(0);
    expect(bucket.take(10)).toBe(10);
  });

  it('saves up no more than the burst', () => {
    const bucket = new TokenBucket(1_000, 2, 0);
    expect([bucket.take(60_000), bucket.take(60_000), bucket.take(60_000)]).toEqual([0, 0, 1]);
  });

  it('gives nothing for time that went back', () => {
    const bucket = new TokenBucket(1, 1, 10_000);
    expect(bucket.take(10_000)).toBe(0);
    expect(bucket.take(5_000)).toBeGreaterThan(0);
  });

  it('is full when new and when left alone for long enough', () => {
    const bucket = new TokenBucket(10, 2, 0);
    expect(bucket.full(0)).toBe(true);
    bucket.take(0);
    expect([bucket.full(0), bucket.full(99), bucket.full(100)]).toEqual([false, false, true]);
  });

  it('never gives more than its burst and its rate, and its waits are long enough', () => {
    const rate = fc.record({ perS: fc.integer({ min: 1, max: 3_000 }), burst: fc.integer({ min: 1, max: 50 }) });
    const waits = fc.array(fc.nat(400), { minLength: 1, maxLength: 100, size: 'max' });
    fc.assert(
      fc.property(rate, waits, ({ perS, burst }, steps) => {
        const bucket = new TokenBucket(perS, burst, 0);
        let nowMs = 0;
        let taken = 0;
        for (const step of steps) {
          nowMs += step;
          const waitMs = bucket.take(nowMs);
          if (waitMs > 0) {
            expect(waitMs).toBeLessThanOrEqual(Math.ceil(1_000 / perS));
            // a millisecond more, for what the addition of fractions loses
            nowMs += waitMs + 1;
            expect(bucket.take(nowMs)).toBe(0);
          }
          taken += 1;
          expect(taken).toBeLessThanOrEqual(burst + (nowMs * perS) / 1_000 + 0.001);
        }
      }),
    );
  });
});
