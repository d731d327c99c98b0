import type { Receipt } from '../../shared/contract/internal.ts';
import type { EventPlace } from '../runtime/incoming.ts';
import { failureDetail } from './failure-detail.ts';
import type { PostReceipts } from './sender.ts';

const CODE_CHARS_MAX = 64;

export type Failure = NonNullable<Receipt['failures']>[number];

/** A dead letter as a Session is told of it. */
export function failureOf(
  { seq }: EventPlace,
  { code, consumer, atMs }: { code: string; consumer: string; atMs: number },
): Failure {
  return { seq, code: code.slice(0, CODE_CHARS_MAX), detail: failureDetail(code), consumer, at: atMs };
}

/** Tells a Session of one event, and waits for it. Rejects when it was not told. */
export async function tellOne(
  post: PostReceipts,
  { tenant, sessionId, seq }: EventPlace,
  said: Pick<Receipt, 'publishedAt' | 'persistedAt' | 'failures'>,
): Promise<Receipt> {
  const receipt: Receipt = { tenant, sessionId, seqs: [[seq, seq]], ...said };
  const { failed } = await post([receipt]);
  if (failed.length > 0) throw new Error('the session did not take its receipt');
  return receipt;
}
