import { describe, expect, it } from 'vitest';
import { receiptOf } from '../../../consumers/projections/analytics-feeds.ts';
import { anEvent } from '../../contracts/events.ts';
import { messageOf } from './fakes.ts';

describe('a receipt, as analytics reads it', () => {
  const read = (seqs: unknown) => {
    const body = { sessionId: 's', seqs, publishedAt: '2026-01-01T00:00:00.000Z', persistedAt: '2026-01-01T00:00:01.000Z' };
    const data = new TextEncoder().encode(JSON.stringify(body));
    return receiptOf({ ...messageOf(anEvent('message.created', { seq: 1 })), subject: 'millrace.receipts.t.s', data });
  };

  it('is of the tenant and session of its subject', () => {
    expect(read([[1, 3]])).toEqual({
      tenant: 't',
      sessionId: 's',
      seqs: [[1, 3]],
      publishedAtMs: Date.UTC(2026, 0, 1),
      persistedAtMs: Date.UTC(2026, 0, 1, 0, 0, 1),
    });
  });

  it('P7 is none when it speaks of more than a receipt can: it would hold up all others', () => {
    expect(read([[1, 2 ** 31 - 1]])).toBeUndefined();
    expect(
      read([
        [1, 600_000],
        [600_001, 1_200_000],
      ]),
    ).toBeUndefined();
    expect(read([[1, 1_000_000]])).toBeDefined();
  });
});
