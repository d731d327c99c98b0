import { isErased, type Event, type EventType, type WholeEvent, type WholeEventOf } from '../../shared/core/types.ts';
import type { Delivery, Outcome, Projection } from '../runtime/projection.ts';
import type { SearchContent, SearchedSession, SearchStore, SearchWrite } from '../stores/search/port.ts';

/** The search index: a document per message, as its latest event leaves it. */

/** the durable that feeds this read model */
export const SEARCH_DURABLE = 'search';

interface Context extends SearchedSession {
  clock: bigint;
}

/** What an event of a type writes. Pure, and knows nothing but the event (design decision 5). */
type WriteOf = { [T in SearchedType]: (event: WholeEventOf<T>, context: Context) => SearchWrite };
type SearchedType = 'message.created' | 'message.updated' | 'message.deleted' | 'session.deleted';

/** Rights are asked of Sessions when somebody searches, so members need no place in the index. */
const WRITE_OF: WriteOf = {
  'message.created': ({ data, seq, actor }, context) => {
    return document(data.id, context, { ...addressOf(data), seq, author: actor, text: data.text });
  },
  'message.updated': ({ data }, context) => {
    return document(data.id, context, { ...addressOf(data), seq: data.messageSeq, author: data.author, text: data.text });
  },
  'message.deleted': ({ data }, context) => document(data.id, context),
  'session.deleted': (_event, context) => ({ kind: 'eraseSession', ...context }),
};

// the keys of a table that the compiler holds complete
export const SEARCHED_TYPES = Object.keys(WRITE_OF) as SearchedType[];

export function searchWriteOf(event: Event): SearchWrite | undefined {
  const context = { tenant: event.tenant, sessionId: event.sessionid, clock: BigInt(event.clock) };
  if (!isSearched(event.type)) return undefined;
  if (isErased(event)) return document(event.data.id, context);
  // the table pairs each type with its function, which the compiler cannot follow through an index
  return (WRITE_OF[event.type] as (event: WholeEvent, context: Context) => SearchWrite)(event, context);
}

function isSearched(type: EventType): type is SearchedType {
  return Object.hasOwn(WRITE_OF, type);
}

function document(messageId: string, context: Context, content?: SearchContent): SearchWrite {
  return { kind: 'document', ...context, messageId, ...(content === undefined ? {} : { content }) };
}

type Address = Pick<SearchContent, 'role' | 'parentId' | 'mentions' | 'sentAtMs'>;

function addressOf(data: Omit<Address, 'sentAtMs'> & { createdAt: string }): Address {
  const { role, parentId, mentions, createdAt } = data;
  return { role, mentions, sentAtMs: Date.parse(createdAt), ...(parentId === undefined ? {} : { parentId }) };
}

export function searchProjection(store: SearchStore): Projection {
  return {
    name: SEARCH_DURABLE,
    types: SEARCHED_TYPES,
    // while one is looked through for deletions the next ones are written
    batchesAtOnce: 4,
    // nothing is found before the index has refreshed itself
    gatherMs: 50,
    async handle(batch) {
      const writes: SearchWrite[] = [];
      /** delivery → its place among the writes */
      const places = batch.map(({ event }: Delivery): number | undefined => {
        const write = searchWriteOf(event);
        if (write !== undefined) writes.push(write);
        return write === undefined ? undefined : writes.length - 1;
      });
      const rejected = await store.write(writes);
      return places.map((place): Outcome => {
        const fault = place === undefined ? undefined : rejected.get(place);
        return fault === undefined ? { kind: 'ok' } : { kind: 'poison', reason: 'index_rejected', detail: fault.reason };
      });
    },
    async healthy() {
      try {
        await store.health();
        return true;
      } catch {
        return false;
      }
    },
  };
}
