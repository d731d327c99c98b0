import type { JetStreamClient } from '@nats-io/jetstream';
import type { Receipt } from '../../shared/contract/internal.ts';
import { receiptSubject } from '../../shared/contract/subjects.ts';
import { rfc3339 } from '../../shared/core/clock.ts';

/** Tells of receipts that their Sessions have taken. Rejects when one could not be stored. */
export type TellReceipts = (receipts: readonly Receipt[]) => Promise<void>;

const PUBLISH_MS_MAX = 5_000;

/** Publishes to MILLRACE_RECEIPTS (contract §5): `seqs` are ranges, from and to inclusive. What failed is told again, so: at least once. */
export function jetStreamTeller(client: JetStreamClient): TellReceipts {
  return async (receipts) => {
    const told = receipts.filter(({ seqs }) => seqs.length > 0);
    await Promise.all(
      told.map(({ tenant, sessionId, seqs, publishedAt, persistedAt }) => {
        const body = { sessionId, seqs, publishedAt: rfc3339(publishedAt), persistedAt: rfc3339(persistedAt) };
        return client.publish(receiptSubject(tenant, sessionId), JSON.stringify(body), { timeout: PUBLISH_MS_MAX });
      }),
    );
  };
}
