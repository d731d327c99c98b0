import { describe, expect, test } from 'vitest';
import { median, percentile, ratio, spread } from '../../../bench/stats.ts';

describe('percentile', () => {
  test('is the nearest rank, whatever the order of the samples', () => {
    const samples = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect(percentile(samples, 0.5)).toBe(50);
    expect(percentile(samples, 0.99)).toBe(99);
    expect(percentile(samples, 1)).toBe(100);
    expect(percentile(samples, 0.001)).toBe(1);
  });

  test('orders by number, not by digits, and leaves the samples alone', () => {
    const samples = [10, 9, 2, 100];
    expect(percentile(samples, 0.5)).toBe(9);
    expect(samples).toEqual([10, 9, 2, 100]);
  });

  test('of one sample is that sample; typed arrays count too', () => {
    expect(percentile([7], 0.01)).toBe(7);
    expect(percentile(Float64Array.of(3, 1, 2), 0.5)).toBe(2);
  });

  test('refuses no samples and fractions that are none', () => {
    expect(() => percentile([], 0.5)).toThrow(RangeError);
    for (const fraction of [0, -1, 1.01, Number.NaN]) expect(() => percentile([1], fraction)).toThrow(RangeError);
  });
});

test('the median is the middle one, or the mean of the two in the middle', () => {
  expect(median([30, 1, 2])).toBe(2);
  expect(median([4, 1, 3, 10])).toBe(3.5);
  expect(() => median([])).toThrow(RangeError);
});

test('a ratio is a multiple of the reference, and absent where there is none', () => {
  expect(ratio(3, 2)).toBe(1.5);
  expect(ratio(0, 2)).toBe(0);
  expect(ratio(1, 0)).toBeUndefined();
  expect(ratio(undefined, 2)).toBeUndefined();
  expect(ratio(1, undefined)).toBeUndefined();
});

test('a spread says how many samples it is of', () => {
  expect(spread([1, 2, 3, 4])).toEqual({ p50: 2, p99: 4, samples: 4 });
});
