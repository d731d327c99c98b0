import { describe, expect, it } from 'vitest';
import { queryRequest, receiptsRequest } from '../../../../shared/contract/internal.ts';

const receipt = {
  tenant: 'default',
  sessionId: 's1',
  seqs: [
    [1, 4],
    [7, 7],
  ],
  publishedAt: 1,
  persistedAt: 2,
};
const failure = { seq: 5, code: 'poison', detail: 'no', consumer: 'history', at: 3 };

describe('receipts', () => {
  const takes = (receipts: unknown[], v = 1): boolean => receiptsRequest.safeParse({ v, receipts }).success;

  it('name sessions, ranges and failures', () => {
    expect(takes([receipt, { ...receipt, seqs: [], failures: [failure] }])).toBe(true);
  });

  it('are bounded', () => {
    expect(takes([])).toBe(false);
    expect(takes(Array.from({ length: 500 }, () => receipt))).toBe(true);
    expect(takes(Array.from({ length: 501 }, () => receipt))).toBe(false);
    expect(takes([{ ...receipt, seqs: Array.from({ length: 1_001 }, () => [1, 1]) }])).toBe(false);
    expect(takes([{ ...receipt, failures: Array.from({ length: 101 }, () => failure) }])).toBe(false);
  });

  it('of another version or shape are refused', () => {
    expect(takes([receipt], 2)).toBe(false);
    for (const more of [
      { surprise: 1 },
      { sessionId: 'a.b' },
      { tenant: 'A' },
      { seqs: [[0, 1]] },
      { seqs: [[1]] },
      { seqs: [[1, 2 ** 31]] },
    ]) {
      expect(takes([{ ...receipt, ...more }])).toBe(false);
    }
  });
});

describe('questions to query', () => {
  const ref = { v: 1, tenant: 'default', sessionId: 's1' };
  const takes = (question: unknown): boolean => queryRequest.safeParse(question).success;

  it.each([
    { v: 1, op: 'health' },
    { ...ref, op: 'events', from: 1, to: 9, maxBytes: 1_000 },
    { ...ref, op: 'eventsAt', seqs: [7, 2] },
    { ...ref, op: 'messages', seqs: [1, 2] },
    { ...ref, op: 'held', ranges: [[1, 2]] },
  ])('%j passes', (question) => {
    expect(takes(question)).toBe(true);
  });

  it.each([
    { op: 'health' },
    { v: 2, op: 'health' },
    { ...ref, op: 'drop' },
    { ...ref, op: 'events', from: 0, to: 9, maxBytes: 1 },
    { ...ref, op: 'eventsAt', seqs: [0] },
    { ...ref, op: 'eventsAt', seqs: Array.from({ length: 1_001 }, (_, index) => index + 1) },
    { ...ref, op: 'messages', seqs: Array.from({ length: 1_001 }, (_, index) => index + 1) },
    { ...ref, op: 'held', ranges: [[1, 2]], surprise: 1 },
  ])('does not pass: case %#', (question) => {
    expect(takes(question)).toBe(false);
  });
});
