import { describe, expect, it } from 'vitest';
import { answerQuestion } from '../../../consumers/query/answer.ts';
import { durableWatch, FOUND_MS_MAX, MISSED_MS_MAX } from '../../../consumers/query/durable-watch.ts';
import { SYSTEM_TIME } from '../../../consumers/runtime/time.ts';
import type { HistoryStore } from '../../../consumers/stores/history/port.ts';

describe('the watch on the durable', () => {
  it('looks again when what it knows is old: soon where the durable was missing', async () => {
    let nowMs = 0;
    let looks = 0;
    let isThere = true;
    const isFed = durableWatch(
      async () => {
        looks += 1;
        if (!isThere) throw new Error('consumer not found');
        return await Promise.resolve();
      },
      () => nowMs,
    );
    expect(await Promise.all([isFed(), isFed(), isFed()])).toEqual([true, true, true]);
    isThere = false;
    nowMs = FOUND_MS_MAX - 1;
    expect(await isFed()).toBe(true);
    expect(looks).toBe(1);
    nowMs = FOUND_MS_MAX;
    expect(await isFed()).toBe(false);
    isThere = true;
    nowMs += MISSED_MS_MAX - 1;
    expect(await isFed()).toBe(false);
    nowMs += 1;
    expect(await isFed()).toBe(true);
    expect(looks).toBe(3);
  });

  it('a store that nothing feeds is not healthy', async () => {
    const store = { health: async () => await Promise.resolve() } as unknown as HistoryStore;
    const health = async (fed: boolean) =>
      await answerQuestion(
        { store, isFed: async () => await Promise.resolve(fed), time: SYSTEM_TIME },
        { v: 1, op: 'health' },
        1_000,
      );
    expect(await health(true)).toEqual({ ok: true, op: 'health' });
    expect(await health(false)).toMatchObject({ ok: false, code: 'unavailable' });
  });
});
