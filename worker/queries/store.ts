import type { QueryRequest, StoredMessage } from '../../shared/contract/internal.ts';
import { QUERY_SUBJECT } from '../../shared/contract/subjects.ts';
import { PAGE_BYTES_MAX, UPLINK_CALL_MS_MAX } from '../../shared/core/limits.ts';
import type { Event } from '../../shared/core/types.ts';
import { describeError, log } from '../log.ts';
import { refuse, type Refused } from '../routes/refused.ts';
import { within } from '../routes/time-bound.ts';
import type { SessionIdentity } from '../session/api.ts';
import type { RequestOutcome, UplinkApi } from '../uplink/api.ts';
import { parseAnswer, type StoreAnswer } from './answer-schema.ts';

/** an Uplink answers within its own bound; this much more is for the way there */
const STORE_CALL_MS_MAX = UPLINK_CALL_MS_MAX + 1_000;

/** The history store as a reader sees it. Either it answers, or the read is 503 unavailable: never a part of it. */
export interface Store {
  /** rows by seq, in any order; fewer than asked when the answer would be too big */
  messages(identity: SessionIdentity, seqs: readonly number[]): Promise<StoredMessage[]>;
  /** whole events from…to, in order, cut at PAGE_BYTES_MAX */
  events(identity: SessionIdentity, from: number, to: number): Promise<Event[]>;
  /** whole events by seq; fewer than asked when the answer would be too big */
  eventsAt(identity: SessionIdentity, seqs: readonly number[]): Promise<Event[]>;
}

export function storeBehind(uplink: Pick<UplinkApi, 'request'>): Store {
  return {
    async messages(identity, seqs) {
      const answer = await ask(uplink, { v: 1, op: 'messages', ...identity, seqs: [...seqs] });
      if (answer.op !== 'messages') throw storeUnavailable('the answer is to another question');
      return answer.messages;
    },
    async events(identity, from, to) {
      const answer = await ask(uplink, { v: 1, op: 'events', ...identity, from, to, maxBytes: PAGE_BYTES_MAX });
      if (answer.op !== 'events') throw storeUnavailable('the answer is to another question');
      return answer.events;
    },
    async eventsAt(identity, seqs) {
      const answer = await ask(uplink, { v: 1, op: 'eventsAt', ...identity, seqs: [...seqs] });
      if (answer.op !== 'eventsAt') throw storeUnavailable('the answer is to another question');
      return answer.events;
    },
  };
}

export async function ask(uplink: Pick<UplinkApi, 'request'>, request: QueryRequest): Promise<StoreAnswer> {
  const outcome = await requested(uplink, QUERY_SUBJECT, request);
  if (!outcome.ok) throw storeUnavailable(outcome.error);
  const answer = parseAnswer(outcome.payload);
  if (answer === undefined) throw storeUnavailable('not an answer to any question');
  return answer;
}

/** A question to a store, over NATS: a fault on the way is an outcome too. */
export async function requested(uplink: Pick<UplinkApi, 'request'>, subject: string, question: object): Promise<RequestOutcome> {
  try {
    return await within(STORE_CALL_MS_MAX, uplink.request(subject, JSON.stringify(question)));
  } catch (error) {
    return { ok: false, error: String(describeError(error)['error']) };
  }
}

export function storeUnavailable(cause: string): Refused {
  log('warn', 'the history store could not be read', { cause });
  return refuse('unavailable', 'What was asked is no longer at the edge, and the history store cannot be read right now.');
}
