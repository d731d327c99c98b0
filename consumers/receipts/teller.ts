import type { JetStreamClient } from '@nats-io/jetstream';
import type { Receipt } from '../../shared/contract/internal.ts';
import { receiptSubject } from '../../shared/contract/subjects.ts';
import { rfc3339 } from '../../shared/core/clock.ts';
import { missingRanges, rangesOf, type SeqRange } from '../../shared/core/seq-ranges.ts';

/** Tells of receipts that their Sessions have taken. Rejects when one could not be stored. */
export type TellReceipts = (receipts: readonly Receipt[]) => Promise<void>;

const PUBLISH_MS_MAX = 5_000;

/**
 * Publishes to MILLRACE_RECEIPTS (contract §5): `seqs` are ranges, from and to inclusive, of what is persisted. A dead letter settles its
 * event for the Session alone: whoever reads this would take it for persisted, at the time of its burial. What could not be stored is told
 * again, so: at least once.
 */
export function jetStreamTeller(client: JetStreamClient): TellReceipts {
  return async (receipts) => {
    const told = receipts.map((receipt) => ({ ...receipt, seqs: persistedOf(receipt) })).filter(({ seqs }) => seqs.length > 0);
    await Promise.all(
      told.map(({ tenant, sessionId, seqs, publishedAt, persistedAt }) => {
        const body = { sessionId, seqs, publishedAt: rfc3339(publishedAt), persistedAt: rfc3339(persistedAt) };
        return client.publish(receiptSubject(tenant, sessionId), JSON.stringify(body), { timeout: PUBLISH_MS_MAX });
      }),
    );
  };
}

function persistedOf({ seqs, failures = [] }: Receipt): SeqRange[] {
  const failed = rangesOf(failures.map(({ seq }) => seq));
  return seqs.flatMap(([from, to]) => missingRanges(from, to, failed));
}
