import { expect, it } from 'vitest';
import { SettledRates } from '../../../../consumers/admin/settled-rates.ts';

const look = (settled: number, created = 'one') => ({ created, settled, pending: 0, ackPending: 0, redelivered: 0 });

it('is what was acknowledged over the last minute, and not known before there is a second of it', () => {
  const rates = new SettledRates();
  expect(rates.perSecond('a')).toBeUndefined();
  rates.note('a', look(10), 0);
  expect(rates.perSecond('a')).toBeUndefined();
  rates.note('a', look(11), 999);
  expect(rates.perSecond('a')).toBeUndefined();
  rates.note('a', look(20), 1_000);
  expect(rates.perSecond('a')).toBe(10);
  expect(rates.perSecond('b')).toBeUndefined();
  for (let atMs = 2_000; atMs <= 120_000; atMs += 1_000) rates.note('a', look(20), atMs);
  expect(rates.perSecond('a')).toBe(0);
});

it('forgets what a durable made anew, or a floor that went back, has nothing to do with', () => {
  const rates = new SettledRates();
  rates.note('a', look(1_000), 0);
  rates.note('a', look(5, 'two'), 5_000);
  expect(rates.perSecond('a')).toBeUndefined();
  rates.note('a', look(15, 'two'), 10_000);
  expect(rates.perSecond('a')).toBe(2);
  rates.note('a', look(0, 'two'), 15_000);
  expect(rates.perSecond('a')).toBeUndefined();
});

it('knows it however often somebody looks', () => {
  const rates = new SettledRates();
  for (let atMs = 0; atMs <= 200_000; atMs += 10) rates.note('a', look(atMs / 10), atMs);
  expect(rates.perSecond('a')).toBeCloseTo(100);
});
