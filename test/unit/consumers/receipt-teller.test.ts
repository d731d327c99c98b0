import type { JetStreamClient } from '@nats-io/jetstream';
import { expect, it } from 'vitest';
import { jetStreamTeller } from '../../../consumers/receipts/teller.ts';
import type { Receipt } from '../../../shared/contract/internal.ts';

const AT_MS = Date.UTC(2026, 0, 1);

/** What was published, subject by subject. */
async function toldOf(receipts: readonly Receipt[]): Promise<unknown[]> {
  const published: unknown[] = [];
  const client: Pick<JetStreamClient, 'publish'> = {
    async publish(subject, payload) {
      published.push([subject, JSON.parse(String(payload))]);
      return await Promise.resolve({ stream: 'MILLRACE_RECEIPTS', seq: published.length, duplicate: false, domain: '' });
    },
  };
  // of the client it publishes alone
  await jetStreamTeller(client as JetStreamClient)(receipts);
  return published;
}

const receipt = (sessionId: string, seqs: [number, number][], failed: number[]): Receipt => ({
  tenant: 'default',
  sessionId,
  seqs,
  publishedAt: AT_MS,
  persistedAt: AT_MS + 5,
  failures: failed.map((seq) => ({ seq, code: 'poison', detail: 'x', consumer: 'history', at: AT_MS })),
});

it('P6 tells of what is persisted, and of no dead letter that its Session is told of in the same receipt', async () => {
  const told = await toldOf([
    receipt(
      's1',
      [
        [1, 4],
        [7, 7],
      ],
      [3],
    ),
    receipt('s2', [[5, 5]], [5]),
  ]);
  expect(told).toEqual([
    [
      'millrace.receipts.default.s1',
      {
        sessionId: 's1',
        seqs: [
          [1, 2],
          [4, 4],
          [7, 7],
        ],
        publishedAt: '2026-01-01T00:00:00.000Z',
        persistedAt: '2026-01-01T00:00:00.005Z',
      },
    ],
  ]);
});
