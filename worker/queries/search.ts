import type { MessageAnswer, SearchPage } from '../../shared/contract/answers.ts';
import { keyOf, type SearchHit, type SearchPlace } from '../../shared/contract/search.ts';
import { rfc3339 } from '../../shared/core/clock.ts';
import { PAGE_BYTES_MAX, SEARCH_ROUNDS_MAX } from '../../shared/core/limits.ts';
import { utf8Bytes } from '../../shared/core/text.ts';
import { highlight } from '../../shared/search/highlight.ts';
import type { Clause } from '../../shared/search/query.ts';
import type { Env } from '../env.ts';
import type { Caller } from '../routes/context.ts';
import { inLanes } from '../routes/in-lanes.ts';
import { reachSession } from '../routes/sessions.ts';
import type { SessionIdentity } from '../session/api.ts';
import { following } from '../uplink/following.ts';
import { uplinkOf } from '../uplink/pool.ts';
import { readMessages } from './messages.ts';
import { findHits, type Sought } from './search-index.ts';
import { storeBehind } from './store.ts';

/** Sessions asked at the same time for one page */
const SESSIONS_AT_ONCE_MAX = 32;

export interface Searched {
  page: Omit<SearchPage, 'nextCursor'>;
  /** behind it there is more */
  next?: SearchPlace;
}

/**
 * A page of what the index finds, as the Session of each hit knows it now: what was deleted, left or edited since is not shown
 * as the index has it, and the place of a hit that is gone is filled from further ones. Throws 503 when the index, a Session or
 * a message's text cannot be read: never a part of a page.
 */
export async function search(
  env: Env,
  caller: Caller,
  sought: Sought,
  clauses: readonly Clause[],
  { after, limit, traceparent }: { after: SearchPlace | undefined; limit: number; traceparent: string | undefined },
): Promise<Searched> {
  const uplink = () => following(uplinkOf(env, caller.tenant, caller.actor.id), traceparent);
  const pages = new Page(limit, after);
  for (let round = 0; round < SEARCH_ROUNDS_MAX && !pages.isEnded; round += 1) {
    const found = await findHits(uplink, sought, pages.place, limit - pages.items.length);
    pages.learn(found.total, found.asOfMs);
    const messages = await messagesOf(env, caller, found.hits);
    for (const hit of found.hits) pages.take(hit, messages.get(keyOf(hit)), clauses);
    if (!found.more) pages.endAfterAll();
  }
  return pages.searched();
}

/** What is known of a hit: its message, or that there is none to show. Nothing is known of one that was not looked at. */
type Shown = MessageAnswer | 'gone';

async function messagesOf(env: Env, caller: Caller, hits: readonly SearchHit[]): Promise<Map<string, Shown>> {
  const bySession = new Map<string, string[]>();
  for (const { sessionId, messageId } of hits) bySession.set(sessionId, [...(bySession.get(sessionId) ?? []), messageId]);
  const shown = new Map<string, Shown>();
  const look = async ([sessionId, ids]: [string, string[]]): Promise<void> => {
    const identity: SessionIdentity = { tenant: caller.tenant, sessionId };
    const { items, looked } = await reachSession(env, identity, true, (it) => it.found(identity, caller.actor, ids));
    const store = storeBehind(uplinkOf(env, identity.tenant, sessionId));
    for (const messageId of ids.slice(0, looked)) shown.set(keyOf({ sessionId, messageId }), 'gone');
    for (const message of await readMessages(identity, items, store)) {
      // a deletion between the two reads
      if (message.deletedAt === undefined) shown.set(keyOf({ sessionId, messageId: message.id }), message);
    }
  };
  await inLanes([...bySession], look, SESSIONS_AT_ONCE_MAX);
  return shown;
}

/** Fills with hits, in their order, until it is full or there are no more. */
class Page {
  readonly items: SearchPage['items'] = [];
  /** of the last hit that was looked at */
  place: SearchPlace | undefined;
  readonly #limit: number;
  #bytes = 0;
  #gone = 0;
  #first: { total: number; asOfMs: number } | undefined;
  #isCut = false;
  #isAll = false;

  constructor(limit: number, after: SearchPlace | undefined) {
    this.#limit = limit;
    this.place = after;
  }

  get isEnded(): boolean {
    return this.#isCut || this.#isAll || this.items.length >= this.#limit;
  }

  /** What the first round said counts for the page: it knew the fewest events. */
  learn(total: number, asOfMs: number): void {
    this.#first ??= { total, asOfMs };
  }

  take(hit: SearchHit, shown: Shown | undefined, clauses: readonly Clause[]): void {
    if (this.#isCut) return;
    if (shown === undefined) {
      this.#isCut = true;
      return;
    }
    const { seq: _seq, score: _score, ...place } = hit;
    if (shown === 'gone') {
      this.#gone += 1;
      this.place = place;
      return;
    }
    const item = { message: shown, highlight: highlight(shown.text, clauses), score: hit.score };
    this.#bytes += utf8Bytes(JSON.stringify(item)) + 1;
    // cut at 512 KiB, but never before its first message
    if (this.items.length > 0 && this.#bytes > PAGE_BYTES_MAX) {
      this.#isCut = true;
      return;
    }
    this.items.push(item);
    this.place = place;
  }

  /** There is nothing behind what was taken, unless it was cut. */
  endAfterAll(): void {
    this.#isAll = true;
  }

  searched(): Searched {
    const { total = 0, asOfMs = 0 } = this.#first ?? {};
    const page = {
      items: this.items,
      total: Math.max(total - this.#gone, this.items.length),
      asOf: rfc3339(asOfMs),
    };
    const isLast = this.#isAll && !this.#isCut;
    return { page, ...(isLast || this.place === undefined ? {} : { next: this.place }) };
  }
}
