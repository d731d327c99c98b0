import { describe, expect, it } from 'vitest';
import { LINGER_MS, QUEUE_SESSIONS_MAX, ReceiptQueue, SESSION_INTERVAL_MS } from '../../../consumers/receipts/queue.ts';
import { receiptsRequest, RECEIPT_SESSIONS_MAX } from '../../../shared/contract/internal.ts';

const place = (seq: number, sessionId = 's1') => ({ tenant: 'default', sessionId, seq });
const failure = (seq: number) => ({ seq, code: 'unparsable', detail: 'd', consumer: 'history', at: 50 });

describe('ReceiptQueue', () => {
  it('coalesces seqs of a session into ranges, in any order', () => {
    const queue = new ReceiptQueue();
    for (const seq of [5, 1, 2, 9, 3, 2]) queue.addPersisted(place(seq), 100 + seq, 1_000 + seq);
    expect(queue.takeDue(1_000)).toEqual([]);
    const [receipt, ...others] = queue.takeDue(1_100);
    expect(others).toEqual([]);
    expect(receipt).toEqual({
      tenant: 'default',
      sessionId: 's1',
      seqs: [
        [1, 3],
        [5, 5],
        [9, 9],
      ],
      publishedAt: 109,
      persistedAt: 1_009,
    });
    expect(queue.size).toBe(0);
  });

  it('knows since when the oldest of what a receipt tells has waited, also when it comes back', () => {
    const queue = new ReceiptQueue();
    for (const [seq, publishedAtMs] of [
      [1, 500],
      [2, 300],
      [3, 900],
    ] as const) {
      queue.addPersisted(place(seq), publishedAtMs, 1_000);
    }
    const [receipt] = queue.takeDue(2_000);
    if (receipt === undefined) throw new Error('nothing is due');
    expect([receipt.publishedAt, queue.oldestMs(receipt)]).toEqual([900, 300]);
    queue.putBack([receipt], 0, 2_000);
    queue.addPersisted(place(4), 1_500, 2_000);
    const [again] = queue.takeDue(9_000);
    if (again === undefined) throw new Error('nothing is due');
    expect([again.publishedAt, queue.oldestMs(again)]).toEqual([1_500, 300]);
  });

  it('tells a quiet session at once, a busy one once per second', () => {
    const queue = new ReceiptQueue();
    queue.addPersisted(place(1), 1, 10_000);
    expect(queue.dueInMs(10_000)).toBe(LINGER_MS);
    expect(queue.takeDue(10_000 + LINGER_MS)).toHaveLength(1);
    queue.addPersisted(place(2), 1, 10_100);
    expect(queue.takeDue(10_900)).toEqual([]);
    expect(queue.dueInMs(10_900)).toBe(115);
    expect(queue.takeDue(10_000 + LINGER_MS + SESSION_INTERVAL_MS)).toMatchObject([{ seqs: [[2, 2]] }]);
    queue.addPersisted(place(3), 1, 20_000);
    expect(queue.dueInMs(20_000)).toBe(LINGER_MS);
  });

  it('a busy session does not hold up a quiet one', () => {
    const queue = new ReceiptQueue();
    queue.addPersisted(place(1), 1, 0);
    queue.takeDue(LINGER_MS);
    queue.addPersisted(place(2), 1, 100);
    queue.addPersisted(place(1, 's2'), 1, 100);
    expect(queue.dueInMs(100)).toBe(LINGER_MS);
    expect(queue.takeDue(100 + LINGER_MS).map(({ sessionId }) => sessionId)).toEqual(['s2']);
  });

  it('one call carries at most so many sessions, the oldest first', () => {
    const queue = new ReceiptQueue();
    for (let index = 0; index < RECEIPT_SESSIONS_MAX + 3; index += 1) queue.addPersisted(place(1, `s${index}`), 1, 0);
    const first = queue.takeDue(100);
    expect(receiptsRequest.safeParse({ v: 1, receipts: first }).success).toBe(true);
    expect(first).toHaveLength(RECEIPT_SESSIONS_MAX);
    expect(queue.takeDue(100).map(({ sessionId }) => sessionId)).toEqual(['s500', 's501', 's502']);
  });

  it('a session of more holes than a receipt takes is told in parts', () => {
    const queue = new ReceiptQueue();
    for (let seq = 1; seq <= 2_999; seq += 2) queue.addPersisted(place(seq), 1, 0);
    const seqs: number[] = [];
    for (let now = 100; queue.size > 0; now += SESSION_INTERVAL_MS) {
      const receipts = queue.takeDue(now);
      expect(receiptsRequest.safeParse({ v: 1, receipts }).success).toBe(true);
      seqs.push(...receipts.flatMap((receipt) => receipt.seqs.map(([from]) => from)));
    }
    expect(seqs).toHaveLength(1_500);
  });

  it('a failure comes with its seq, in one receipt; what came whole as well is no failure', () => {
    const queue = new ReceiptQueue();
    queue.addFailure(place(2), failure(2), 0);
    queue.addFailure(place(3), failure(3), 0);
    queue.addPersisted(place(1), 1, 0);
    queue.addPersisted(place(3), 1, 0);
    queue.addFailure(place(1), failure(1), 0);
    expect(queue.takeDue(100)).toMatchObject([{ seqs: [[1, 3]], failures: [failure(2)] }]);
  });

  it('takes back what did not arrive, failures with it', () => {
    const queue = new ReceiptQueue();
    queue.addFailure(place(2), failure(2), 0);
    queue.addPersisted(place(1), 7, 0);
    const receipts = queue.takeDue(100);
    queue.addPersisted(place(3), 8, 200);
    queue.putBack(receipts, 2_000, 200);
    expect(queue.takeDue(2_100)).toEqual([]);
    expect(queue.takeDue(2_200)).toMatchObject([{ seqs: [[1, 3]], failures: [failure(2)], publishedAt: 50 }]);
  });

  it('drops the oldest at its bound, but keeps failures, which no archive repairs', () => {
    const queue = new ReceiptQueue();
    queue.addFailure(place(1, 'failed'), failure(1), 0);
    for (let index = 0; index < QUEUE_SESSIONS_MAX; index += 1) queue.addPersisted(place(1, `s${index}`), 1, 0);
    expect(queue.size).toBe(QUEUE_SESSIONS_MAX);
    expect(queue.takeDropped()).toBe(1);
    const told = queue.takeDue(100).map(({ sessionId }) => sessionId);
    expect(told.slice(0, 2)).toEqual(['failed', 's1']);
  });
});
