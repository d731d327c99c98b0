import { describe, expect, it } from 'vitest';
import { agoOf, bytesOf, countOf, durationOf, percentOf, rateOf } from '../../../../web/admin/format.ts';

describe('figures for people', () => {
  it.each([
    [0, '0 ms'],
    [340.4, '340 ms'],
    [999.4, '999 ms'],
    [1_000, '1 s'],
    [59_999, '59 s'],
    [60_000, '1 min'],
    [185_000, '3 min 5 s'],
    [7_800_000, '2 h 10 min'],
    [7 * 86_400_000, '7 d'],
    [4 * 86_400_000 + 3 * 3_600_000, '4 d 3 h'],
  ])('a duration of %d ms is %s', (ms, text) => expect(durationOf(ms)).toBe(text));

  it.each([
    [0, '0 B'],
    [1_023, '1023 B'],
    [1_024, '1.0 KiB'],
    [10 * 1_024, '10 KiB'],
    [1.5 * 1_024 ** 3, '1.5 GiB'],
    [5_000 * 1_024 ** 4, '5000 TiB'],
  ])('%d bytes are %s', (bytes, text) => expect(bytesOf(bytes)).toBe(text));

  it('a small rate is not nothing', () => {
    expect([rateOf(0), rateOf(0.04 + 0.02), rateOf(9.96), rateOf(12.4)]).toEqual(['0/s', '0.1/s', '10.0/s', '12/s']);
  });

  it('counts have all their digits up to 9,999', () => {
    expect(countOf(9_999).replaceAll(/\D/g, '')).toBe('9999');
    expect(countOf(1_250_000)).toMatch(/^1[.,]3/);
  });

  it('an age is never below nothing, whatever the clocks say', () => {
    expect(agoOf('2026-01-01T00:00:05Z', Date.parse('2026-01-01T00:00:00Z'))).toBe('0 ms ago');
    expect(agoOf('2026-01-01T00:00:00Z', Date.parse('2026-01-01T00:01:00Z'))).toBe('1 min ago');
  });

  it('what is not whole is not 100 %', () => expect([percentOf(0.999), percentOf(1)]).toEqual(['99 %', '100 %']));
});
