import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SYSTEM_TIME } from '../../../consumers/runtime/time.ts';
import { watchIndexed } from '../../../consumers/query/indexed-through.ts';

/** how often it looks, and a moment for the look to be answered */
const LOOK_MS = 1_000;

/** the clock of the test, as its timers are */
const FAKE_TIME = { ...SYSTEM_TIME, now: () => Date.now() };

describe('how far the index has come', () => {
  beforeEach(() => void vi.useFakeTimers({ now: 10_000 }));
  afterEach(() => void vi.useRealTimers());

  it('is not known before the first look, and not believed before what was taken can be found', async () => {
    let through = 1;
    const watch = watchIndexed(
      async () => await Promise.resolve((through += 1)),
      { seenAfterMs: 2_500 },
      () => {},
      FAKE_TIME,
    );
    expect(watch.asOfMs()).toBeUndefined();
    await vi.advanceTimersByTimeAsync(2_400);
    expect(watch.asOfMs()).toBeUndefined();
    await vi.advanceTimersByTimeAsync(LOOK_MS);
    // of the looks at 0 s, 1 s, 2 s and 3 s the first is old enough
    expect(watch.asOfMs()).toBe(2);
    await vi.advanceTimersByTimeAsync(2 * LOOK_MS);
    expect(watch.asOfMs()).toBe(4);
    watch.stop();
  });

  it('stays where it was while nobody can say, which is told once', async () => {
    const said: string[] = [];
    let isAway = false;
    const look = async () => await (isAway ? Promise.reject(new Error('away')) : Promise.resolve(7));
    const watch = watchIndexed(look, { seenAfterMs: 0 }, (_level, message) => void said.push(message), FAKE_TIME);
    await vi.advanceTimersByTimeAsync(0);
    isAway = true;
    await vi.advanceTimersByTimeAsync(5 * LOOK_MS);
    expect([watch.asOfMs(), said.length]).toEqual([7, 1]);
    watch.stop();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('has one look at a time', async () => {
    const look = vi.fn<() => Promise<number>>(async () => await new Promise<number>(() => {}));
    const watch = watchIndexed(look, { seenAfterMs: 0 }, () => {}, FAKE_TIME);
    await vi.advanceTimersByTimeAsync(5 * LOOK_MS);
    expect(look).toHaveBeenCalledTimes(1);
    watch.stop();
  });

  it('is known after the first look where what was taken can be made seen, and as ever where it cannot', async () => {
    const look = async () => await Promise.resolve(7);
    const seen: string[] = [];
    const makeSeen = async () => void (await Promise.resolve(seen.push('made')));
    const refused = async () => await Promise.reject(new Error('only reads'));
    const watches = [makeSeen, refused].map((each) =>
      watchIndexed(look, { seenAfterMs: 2_500, makeSeen: each }, () => {}, FAKE_TIME),
    );
    await Promise.all(watches.map(async ({ looked }) => await looked));
    expect(watches.map((watch) => watch.asOfMs())).toEqual([7, undefined]);
    await vi.advanceTimersByTimeAsync(3 * LOOK_MS);
    expect(watches.map((watch) => watch.asOfMs())).toEqual([7, 7]);
    // a refresh for every look would cost the index more than searching it
    expect(seen).toEqual(['made']);
    for (const watch of watches) watch.stop();
  });
});
