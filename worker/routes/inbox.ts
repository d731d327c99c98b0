import { empty } from '../../shared/contract/fields.ts';
import { invalid } from '../../shared/contract/parse.ts';
import type { Env } from '../env.ts';
import type { InboxIdentity } from '../inbox/api.ts';
import { inboxStub, type InboxStub } from '../inbox/stub.ts';
import { inboxOfTicket } from '../ticket.ts';
import { SESSIONS_PAGE_DEFAULT, SESSIONS_PAGE_MAX } from '../../shared/core/limits.ts';
import { listSessions } from '../queries/sessions.ts';
import { refusalIn } from '../queries/live-events.ts';
import { SOCKET_HEADERS } from '../session/api.ts';
import type { AppContext, Caller } from './context.ts';
import { afterRev, opaque, wholeNumber } from './query-params.ts';
import { reach } from './reach.ts';
import { readJson } from './read-body.ts';
import { Refused, refuse } from './refused.ts';
import type { Route } from './route.ts';
import { callerOf, handedOver, offeredTicket, requireUpgrade } from './upgrade.ts';

/** What concerns one user and all of its sessions: GET /v1/sessions, and the inbox (contract §2 and §4). */
export const inboxRoutes: Route[] = [
  { method: 'GET', path: '/v1/sessions', access: 'caller', handle: (c, _, caller) => sessions(c, caller) },
  { method: 'GET', path: '/v1/inbox', access: 'caller', handle: (c, _, caller) => inbox(c, caller) },
  { method: 'POST', path: '/v1/inbox/tickets', access: 'caller', handle: (c, _, caller) => ticket(c, caller) },
  { method: 'GET', path: '/v1/inbox/socket', access: 'configured', handle: (c) => upgrade(c) },
];

function ask<T>(env: Env, identity: InboxIdentity, repeatable: boolean, question: (inbox: InboxStub) => Promise<T>): Promise<T> {
  return reach({ what: 'inbox', fields: { ...identity } }, () => inboxStub(env, identity), repeatable, question);
}

function inboxOf({ tenant, actor }: Caller): InboxIdentity {
  return { tenant, userId: actor.id };
}

async function sessions(c: AppContext, caller: Caller): Promise<Response> {
  const { searchParams } = new URL(c.req.url);
  const cursor = opaque(searchParams, 'cursor');
  const limit = wholeNumber(searchParams, 'limit', { min: 1, max: SESSIONS_PAGE_MAX, absent: SESSIONS_PAGE_DEFAULT });
  const identity = inboxOf(caller);
  const query = { limit, ...(cursor === undefined ? {} : { cursor }) };
  const page = await ask(c.env, identity, true, (it) => it.page(identity, query));
  if (!page.ok) throw new Refused(page.refusal);
  const { items, learnt } = await listSessions(c.env, caller, page.value.items);
  // the next look finds its order by what this one saw; that it could not be handed back is no reason to fail
  if (learnt.length > 0) await ask(c.env, identity, true, (it) => it.take(identity, learnt)).catch(() => undefined);
  return c.json({ items, ...(page.value.nextCursor === undefined ? {} : { nextCursor: page.value.nextCursor }) });
}

async function inbox(c: AppContext, caller: Caller): Promise<Response> {
  const identity = inboxOf(caller);
  const after = afterRev(new URL(c.req.url).searchParams);
  return c.json(await ask(c.env, identity, true, (it) => it.since(identity, after)));
}

async function ticket(c: AppContext, caller: Caller): Promise<Response> {
  const body = empty.safeParse((await readJson(c.req.raw)) ?? {});
  if (!body.success) throw new Refused(invalid(body.error).refusal);
  const identity = inboxOf(caller);
  // a second ticket does no harm: the first, unheard of, expires
  const issued = await ask(c.env, identity, true, (it) => it.issueTicket(identity, caller.actor, caller.tokenExpiresAtMs));
  if (!issued.ok) throw new Refused(issued.refusal);
  return c.json(issued.value, 201);
}

async function upgrade(c: AppContext): Promise<Response> {
  requireUpgrade(c);
  afterRev(new URL(c.req.url).searchParams);
  const caller = await callerOf(c);
  const identity = caller === undefined ? inboxOfTicket(offeredTicket(c)) : inboxOf(caller);
  if (identity === undefined) throw refuse('unauthenticated', 'The ticket is unknown here, used or expired.');
  const { tenant, userId } = identity;
  const request = handedOver(c, { [SOCKET_HEADERS.tenant]: tenant, [SOCKET_HEADERS.userId]: userId }, caller);
  // not repeatable: a ticket may have been used up by an upgrade whose answer was lost
  const answer = await ask(c.env, identity, false, (it) => it.fetch(request));
  if (answer.status !== 101) throw new Refused(await refusalIn(answer));
  return answer;
}
