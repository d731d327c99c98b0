import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Turns } from '../../../../worker/session/turns.ts';

/** Turns by hand: nothing happens until `next` is called. */
function manual() {
  const later: (() => void)[] = [];
  const background: Promise<void>[] = [];
  const turns = new Turns({ nextTurn: (callback) => later.push(callback), background: (work) => background.push(work) });
  return { turns, background, next: () => later.shift()?.(), pending: () => later.length };
}

test('a lone task runs at once, and the object may rest after the next turn', async () => {
  const { turns, background, next, pending } = manual();
  const ran: number[] = [];
  turns.run(() => ran.push(1));
  expect(ran).toEqual([1]);
  next();
  expect(pending()).toBe(0);
  await Promise.all(background);
});

test('what arrives meanwhile runs together in the next turn', () => {
  const { turns, next } = manual();
  const ran: number[] = [];
  for (const each of [1, 2, 3]) turns.run(() => ran.push(each));
  expect(ran).toEqual([1]);
  next();
  expect(ran).toEqual([1, 2, 3]);
  turns.run(() => ran.push(4));
  expect(ran).toEqual([1, 2, 3]);
  next();
  expect(ran).toEqual([1, 2, 3, 4]);
});

test('settling runs what waits before anything that must not overtake it', () => {
  const { turns } = manual();
  const ran: number[] = [];
  for (const each of [1, 2]) turns.run(() => ran.push(each));
  turns.settle();
  expect(ran).toEqual([1, 2]);
});

test('whatever the turns, every task runs once and in its order; a flood does not wait', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 200 }), (steps) => {
      const { turns, next, pending } = manual();
      const ran: number[] = [];
      let made = 0;
      for (const isTask of steps) {
        const each = made;
        if (isTask) turns.run(() => ran.push(each));
        if (isTask) made += 1;
        else next();
      }
      while (pending() > 0) next();
      expect(ran).toEqual(Array.from({ length: made }, (_, each) => each));
    }),
  );
  const { turns } = manual();
  let ran = 0;
  for (let each = 0; each < 5_001; each += 1) turns.run(() => (ran += 1));
  expect(ran).toBe(5_001);
});
