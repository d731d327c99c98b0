import { describe, expect, it } from 'vitest';
import { COMMANDS_AGE_MS_MAX } from '../../../../consumers/runtime/streams.ts';
import { commandsRequest, queryRequest, receiptsRequest, signalsRequest } from '../../../../shared/contract/internal.ts';
import { BODY_BYTES_MAX, IDEMPOTENCY_KEY_MS } from '../../../../shared/core/limits.ts';

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
    { ...ref, op: 'messages', seqs: Array.from({ length: 1_001 }, (_, index) => index + 1) },
    { ...ref, op: 'held', ranges: [[1, 2]], surprise: 1 },
  ])('does not pass: case %#', (question) => {
    expect(takes(question)).toBe(false);
  });
});

describe('commands of backends', () => {
  const command = { tenant: 'default', sessionId: 's1', idempotencyKey: 'nats:1.2', payload: '{}' };
  const takes = (commands: unknown[], v = 1): boolean => commandsRequest.safeParse({ v, commands }).success;

  it('name a session, a key and the payload as it came, within bounds', () => {
    expect(takes([command])).toBe(true);
    expect(takes([{ ...command, payload: 'x'.repeat(BODY_BYTES_MAX) }])).toBe(true);
    expect(takes([{ ...command, payload: 'x'.repeat(BODY_BYTES_MAX + 1) }])).toBe(false);
    expect(takes([])).toBe(false);
    expect(takes(Array.from({ length: 32 }, () => command))).toBe(true);
    expect(takes(Array.from({ length: 33 }, () => command))).toBe(false);
  });

  it('of another version or shape are refused, and none goes without a key', () => {
    expect(takes([command], 2)).toBe(false);
    for (const more of [
      { surprise: 1 },
      { tenant: 'A' },
      { sessionId: 'a/b' },
      { idempotencyKey: undefined },
      { idempotencyKey: '' },
    ]) {
      expect(takes([{ ...command, ...more }])).toBe(false);
    }
  });

  it('are known by their key for longer than the stream keeps them', () => {
    expect(IDEMPOTENCY_KEY_MS).toBeGreaterThanOrEqual(8 * 24 * 3600_000);
    expect(IDEMPOTENCY_KEY_MS - COMMANDS_AGE_MS_MAX).toBeGreaterThanOrEqual(24 * 3600_000);
  });
});

describe('signals of backends', () => {
  const signal = { name: 'typing', actor: { id: 'bot', kind: 'agent' }, data: { active: true } };
  const session = { tenant: 'default', sessionId: 's1', signals: [signal] };
  const takes = (sessions: unknown[], v = 1): boolean => signalsRequest.safeParse({ v, sessions }).success;

  it('come per session, within bounds', () => {
    expect(takes([session])).toBe(true);
    expect(takes([])).toBe(false);
    expect(takes(Array.from({ length: 101 }, () => session))).toBe(false);
    expect(takes([{ ...session, signals: Array.from({ length: 501 }, () => signal) }])).toBe(false);
    expect(takes([{ ...session, signals: [] }])).toBe(false);
    expect(takes([{ ...session, signals: [{ ...signal, name: 'cancel' }] }])).toBe(false);
    expect(takes([session], 2)).toBe(false);
  });
});
