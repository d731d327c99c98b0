import type { MessageAnswer } from '../../shared/contract/answers.ts';
import type { StoredMessage } from '../../shared/contract/internal.ts';
import type { PageItem, SessionIdentity } from '../session/api.ts';
import { isCurrent, messageAnswer, needsStore } from './message-answer.ts';
import { storeUnavailable, type Store } from './store.ts';

/** a page of 512 KiB takes two answers at most; what is missing after these rounds is missing */
const STORE_ROUNDS_MAX = 4;

/**
 * The messages of a page whose rows and order the Session chose. Throws unavailable when a body is neither in the tail nor in the
 * store, or when the store's row is older than the Session's: never a partial and never an old answer (contract §2).
 */
export async function readMessages(
  identity: SessionIdentity,
  items: readonly PageItem[],
  store: Store,
): Promise<MessageAnswer[]> {
  const rows = await storedRows(identity, items.filter(needsStore), store);
  return items.map((item) => messageAnswer(identity.sessionId, item, rows.get(item.record.seq)));
}

async function storedRows(
  identity: SessionIdentity,
  items: readonly PageItem[],
  store: Store,
): Promise<Map<number, StoredMessage>> {
  const rows = new Map<number, StoredMessage>();
  const wanted = new Map(items.map((item) => [item.record.seq, item]));
  for (let round = 0; round < STORE_ROUNDS_MAX && wanted.size > 0; round += 1) {
    const answered = await store.messages(identity, [...wanted.keys()]);
    if (answered.length === 0) break;
    for (const row of answered) {
      const item = wanted.get(row.seq);
      if (item === undefined) continue;
      if (!isCurrent(item, row)) throw storeUnavailable(`the row of seq ${row.seq} is older than the session's`);
      rows.set(row.seq, row);
      wanted.delete(row.seq);
    }
  }
  if (wanted.size > 0) throw storeUnavailable(`${wanted.size} rows are missing`);
  return rows;
}
