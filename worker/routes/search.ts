import { searchPlace, type SearchPlace } from '../../shared/contract/search.ts';
import { ID_PATTERN, USER_ID_PATTERN } from '../../shared/core/ids.ts';
import { SEARCH_PAGE_DEFAULT, SEARCH_PAGE_MAX, SEARCH_SESSIONS_MAX } from '../../shared/core/limits.ts';
import { parseQuery } from '../../shared/search/query.ts';
import { inboxStub } from '../inbox/stub.ts';
import { search } from '../queries/search.ts';
import type { Sought } from '../queries/search-index.ts';
import { decodeCursor, encodeCursor } from '../session/cursor.ts';
import type { AppContext, Caller } from './context.ts';
import { instant, matching, opaque, wholeNumber } from './query-params.ts';
import { reach } from './reach.ts';
import { refuse } from './refused.ts';
import type { Route } from './route.ts';
import { askSession } from './sessions.ts';

/** GET /v1/search (contract §2): messages of the caller's sessions. */
export const searchRoutes: Route[] = [
  { method: 'GET', path: '/v1/search', access: 'caller', handle: (c, _, caller) => searchMessages(c, caller) },
];

async function searchMessages(c: AppContext, caller: Caller): Promise<Response> {
  const params = new URL(c.req.url).searchParams;
  const q = params.get('q') ?? '';
  const parsed = parseQuery(q);
  if (!parsed.ok) throw refuse('invalid_request', parsed.detail);
  const sessionId = matching(params, 'sessionId', ID_PATTERN, 'a session id');
  const author = matching(params, 'author', USER_ID_PATTERN, 'a user id');
  const sentAfterMs = instant(params, 'sentAfter');
  const sentBeforeMs = instant(params, 'sentBefore');
  const limit = wholeNumber(params, 'limit', { min: 1, max: SEARCH_PAGE_MAX, absent: SEARCH_PAGE_DEFAULT });
  const owner = JSON.stringify([caller.actor.id, q, sessionId, author, sentAfterMs, sentBeforeMs]);
  const cursor = opaque(params, 'cursor');
  const after = cursor === undefined ? undefined : placeIn(owner, cursor);
  const sought: Sought = {
    tenant: caller.tenant,
    q,
    sessions: await sessionsOf(c, caller, sessionId),
    ...(author === undefined ? {} : { author }),
    ...(sentAfterMs === undefined ? {} : { sentAfterMs }),
    ...(sentBeforeMs === undefined ? {} : { sentBeforeMs }),
  };
  const { page, next } = await search(c.env, caller, sought, parsed.clauses, { after, limit, traceparent: c.var.traceparent });
  return c.json({ ...page, ...(next === undefined ? {} : { nextCursor: cursorAt(owner, next) }) });
}

/** The named one if the caller is in it, else all that the caller is in. A private one of others is 404, as by every door. */
async function sessionsOf({ env }: AppContext, { tenant, actor }: Caller, sessionId: string | undefined): Promise<string[]> {
  if (sessionId !== undefined) {
    const identity = { tenant, sessionId };
    const { role } = await askSession(env, identity, true, (it) => it.describe(identity, actor));
    return role === undefined ? [] : [sessionId];
  }
  const identity = { tenant, userId: actor.id };
  return await reach(
    { what: 'inbox', fields: identity },
    () => inboxStub(env, identity),
    true,
    (it) => it.sessionIds(identity, SEARCH_SESSIONS_MAX),
  );
}

/** A cursor belongs to one search of one user: to another it was not made here. */
function cursorAt(owner: string, { sentAtMs, sessionId, messageId }: SearchPlace): string {
  return encodeCursor('search', owner, JSON.stringify([sentAtMs, sessionId, messageId]));
}

function placeIn(owner: string, cursor: string): SearchPlace {
  const position = decodeCursor('search', owner, cursor);
  // what passed its check is what was written above, or by a release whose cursors began with a score: those are refused
  const [sentAtMs, sessionId, messageId] = JSON.parse(position ?? '[]') as unknown[];
  const place = searchPlace.safeParse({ sentAtMs, sessionId, messageId });
  if (!place.success) throw refuse('invalid_request', 'cursor is not one that was made here, for this search.');
  return place.data;
}
