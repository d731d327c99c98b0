import { describe, expect, it } from 'vitest';
import { Lanes, type Queued } from '../../../../consumers/relay/lanes.ts';

const item = (subject: string, seq: number, bytes = 10): Queued => ({ subject, seq, bytes });
const filled = (...items: Queued[]): Lanes<Queued> => {
  const lanes = new Lanes<Queued>();
  for (const each of items) lanes.add(each);
  return lanes;
};
const seqs = (items: readonly Queued[]): number[] => items.map(({ seq }) => seq);
const ALL = [100, 1_000_000] as const;

describe('lanes', () => {
  it('let out the first of each lane, and the next only once it is done', () => {
    const lanes = filled(item('a', 1), item('a', 2), item('b', 3), item('a', 4));
    const [first, other] = lanes.take(0, ...ALL);
    expect([first?.seq, other?.seq]).toEqual([1, 3]);
    expect(lanes.take(0, ...ALL)).toEqual([]);
    lanes.done(first as Queued);
    expect(seqs(lanes.take(0, ...ALL))).toEqual([2]);
    expect(lanes.size).toBe(3);
    expect(seqs([...lanes]).toSorted()).toEqual([2, 3, 4]);
  });

  it('keep a failed one first until its time has come, and hold up no other lane', () => {
    const lanes = filled(item('a', 1), item('a', 2), item('b', 3));
    const [first] = lanes.take(0, 1, 1_000);
    lanes.later(first as Queued, 500);
    expect(seqs(lanes.take(499, ...ALL))).toEqual([3]);
    expect(lanes.dueInMs(499)).toBe(1);
    expect(seqs(lanes.take(500, ...ALL))).toEqual([1]);
    expect(lanes.dueInMs(500)).toBeUndefined();
  });

  it('put what is delivered again in its place, before later ones that wait', () => {
    const lanes = filled(item('a', 5));
    const [busy] = lanes.take(0, ...ALL);
    for (const seq of [9, 7, 8]) lanes.add(item('a', seq));
    lanes.done(busy as Queued);
    const order: number[] = [];
    for (let [next] = lanes.take(0, ...ALL); next !== undefined; [next] = lanes.take(0, ...ALL)) {
      order.push(next.seq);
      lanes.done(next);
    }
    expect(order).toEqual([7, 8, 9]);
    expect(lanes.size).toBe(0);
  });

  it('know a message that is in hand already, out or waiting', () => {
    const first = item('a', 1);
    const second = item('a', 2);
    const lanes = filled(first, second);
    lanes.take(0, ...ALL);
    expect(lanes.add(item('a', 1))).toBe(first);
    expect(lanes.add(item('a', 2))).toBe(second);
    expect(lanes.add(item('b', 2))).toBeUndefined();
    expect(lanes.size).toBe(3);
  });

  it('fill a batch up to its bounds, and always with one', () => {
    const lanes = filled(item('a', 1, 2_000), item('b', 2, 400), item('c', 3, 400), item('d', 4, 400));
    expect(seqs(lanes.take(0, 10, 1_000))).toEqual([1]);
    expect(seqs(lanes.take(0, 10, 1_000))).toEqual([2, 3]);
    expect(lanes.dueInMs(0)).toBe(0);
    expect(seqs(lanes.take(0, 10, 1_000))).toEqual([4]);
  });

  it('ignore an answer for what is no longer out', () => {
    const lanes = filled(item('a', 1), item('a', 2));
    const [first] = lanes.take(0, ...ALL);
    lanes.done(first as Queued);
    lanes.later(first as Queued, 0);
    lanes.done(first as Queued);
    expect(lanes.size).toBe(1);
    expect(seqs(lanes.take(0, ...ALL))).toEqual([2]);
  });
});
