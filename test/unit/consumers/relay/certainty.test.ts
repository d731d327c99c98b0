import { describe, expect, it } from 'vitest';
import { Certainty, type Delivery } from '../../../../consumers/relay/certainty.ts';

const at = (seq: number, deliveries = 1, tenure = 't1'): Delivery => ({ tenure, seq, deliveries });

describe('certainty', () => {
  it('comes when the ack floor has passed all that was delivered before', () => {
    const certainty = new Certainty();
    expect(certainty.question).toBeUndefined();
    certainty.observe(at(4, 2));
    expect(certainty.question).toBeUndefined();
    certainty.observe(at(7));
    expect(certainty.question).toBe('t1');
    expect(certainty.isSure(at(7))).toBe(false);
    certainty.learn('t1', 5);
    expect(certainty.isSure(at(7))).toBe(false);
    certainty.learn('t1', 6);
    expect(certainty.isSure(at(7))).toBe(true);
    expect(certainty.isSure(at(9))).toBe(true);
    expect(certainty.question).toBeUndefined();
  });

  it('is never of what is delivered again, nor of what came in another tenure', () => {
    const certainty = new Certainty();
    certainty.observe(at(1));
    certainty.learn('t1', 0);
    expect(certainty.isSure(at(1, 2))).toBe(false);
    expect(certainty.isSure(at(1, 1, 't0'))).toBe(false);
  });

  it('ends with the tenure, by a message of another or at once', () => {
    const certainty = new Certainty();
    certainty.observe(at(1));
    certainty.learn('t1', 0);
    certainty.observe(at(2, 1, 't2'));
    expect(certainty.isSure(at(1))).toBe(false);
    expect(certainty.isSure(at(2, 1, 't2'))).toBe(false);
    certainty.learn('t2', 1);
    certainty.end();
    expect(certainty.isSure(at(2, 1, 't2'))).toBe(false);
  });

  it('does not come from an answer to the question of an earlier tenure', () => {
    const certainty = new Certainty();
    certainty.observe(at(1));
    certainty.observe(at(5, 1, 't2'));
    certainty.learn('t1', 100);
    expect(certainty.isSure(at(5, 1, 't2'))).toBe(false);
  });
});
