import type { QueryAnswer } from '../../shared/contract/internal.ts';
import { QUERY_SUBJECT } from '../../shared/contract/subjects.ts';
import { PAGE_BYTES_MAX } from '../../shared/core/limits.ts';
import type { Event } from '../../shared/core/types.ts';
import type { Store } from '../../worker/queries/store.ts';
import type { SimulatedUplink } from './uplink.ts';

/** The Worker's store, with the same questions; what it would answer 503, and write a line about, is a rejection. */
export function storeBehind(uplink: Pick<SimulatedUplink, 'request'>): Store {
  const ask = async (question: object): Promise<readonly Event[]> => {
    const outcome = await uplink.request(QUERY_SUBJECT, JSON.stringify(question));
    if (!outcome.ok) throw new Error(outcome.error);
    const answer = JSON.parse(outcome.payload) as QueryAnswer;
    if (!answer.ok || (answer.op !== 'events' && answer.op !== 'eventsAt')) throw new Error('unavailable');
    return answer.events;
  };
  return {
    messages: async () => await Promise.reject(new Error('not asked')),
    async eventsAt(identity, seqs) {
      const events = await ask({ v: 1, op: 'eventsAt', ...identity, seqs: [...seqs] });
      if (!seqs.every((seq) => events.some((event) => event.seq === seq))) throw new Error('unavailable: not all of them');
      return [...events];
    },
    async events(identity, from, to) {
      const events = await ask({ v: 1, op: 'events', ...identity, from, to, maxBytes: PAGE_BYTES_MAX });
      const isWhole = events.every((event, at) => event.seq === from + at) && events.length > 0;
      if (!isWhole) throw new Error('unavailable: a gap');
      return [...events];
    },
  };
}
