import { ID_PATTERN } from '../../shared/core/ids.ts';
import {
  MEMBERS_PAGE_DEFAULT,
  MEMBERS_PAGE_MAX,
  MESSAGES_PAGE_DEFAULT,
  MESSAGES_PAGE_MAX,
  PRESENCE_PAGE_DEFAULT,
  PRESENCE_PAGE_MAX,
  SPANS_PAGE_DEFAULT,
  SPANS_PAGE_MAX,
  TRACES_PAGE_DEFAULT,
  TRACES_PAGE_MAX,
} from '../../shared/core/limits.ts';
import { readMessages } from '../queries/messages.ts';
import { storeBehind } from '../queries/store.ts';
import { readTrace, readTraces } from '../queries/traces.ts';
import type { MessagesQuery, PageQuery, Result, SessionIdentity } from '../session/api.ts';
import { following } from '../uplink/following.ts';
import { uplinkOf } from '../uplink/pool.ts';
import type { AppContext, Caller } from './context.ts';
import { opaque, wholeNumber } from './query-params.ts';
import { refuse } from './refused.ts';
import type { Params, Route } from './route.ts';
import type { SessionStub } from '../session/stub.ts';
import { askSession } from './sessions.ts';

/** a command id that a backend gave may be more than our own ids */
const COMMAND_ID_PATTERN = /^[!-~]{1,128}$/;

interface Query {
  c: AppContext;
  params: Params;
  caller: Caller;
  identity: SessionIdentity;
  search: URLSearchParams;
}

/** The queries of one session (contract §2), by their place under `/v1/sessions/{s}`. */
const HANDLERS: Readonly<Record<string, (query: Query) => Promise<object>>> = {
  '': describe,
  '/members': members,
  '/presence': presence,
  '/messages': messages,
  '/messages/{m}': message,
  '/traces': traces,
  '/traces/{t}': trace,
  '/commands/{c}': commandStatus,
};

export const queryRoutes: Route[] = Object.entries(HANDLERS).map(([path, handle]) => ({
  method: 'GET',
  path: `/v1/sessions/{s}${path}`,
  access: 'caller',
  handle: async (c, params, caller) => {
    const identity = { tenant: caller.tenant, sessionId: params['s'] ?? '' };
    return c.json(await handle({ c, params, caller, identity, search: new URL(c.req.url).searchParams }));
  },
}));

/** Reading twice does no harm. */
function read<T>(query: Query, ask: (session: SessionStub) => Promise<Result<T>>): Promise<T> {
  return askSession(query.c.env, query.identity, true, ask);
}

function storeOf({ c, identity }: Query) {
  return storeBehind(following(uplinkOf(c.env, identity.tenant, identity.sessionId), c.var.traceparent));
}

function describe(query: Query): Promise<object> {
  return read(query, (session) => session.describe(query.identity, query.caller.actor));
}

function members(query: Query): Promise<object> {
  const page = pageQuery(query.search, MEMBERS_PAGE_MAX, MEMBERS_PAGE_DEFAULT);
  return read(query, (session) => session.members(query.identity, query.caller.actor, page));
}

function pageQuery(search: URLSearchParams, max: number, absent: number): PageQuery {
  const cursor = opaque(search, 'cursor');
  return { limit: wholeNumber(search, 'limit', { min: 1, max, absent }), ...(cursor === undefined ? {} : { cursor }) };
}

function presence(query: Query): Promise<object> {
  const page = pageQuery(query.search, PRESENCE_PAGE_MAX, PRESENCE_PAGE_DEFAULT);
  return read(query, (session) => session.presence(query.identity, query.caller.actor, page));
}

function messagesQuery(search: URLSearchParams): MessagesQuery {
  const before = opaque(search, 'before');
  const after = opaque(search, 'after');
  const parentId = search.get('parentId') ?? undefined;
  if (parentId !== undefined && !ID_PATTERN.test(parentId)) throw refuse('invalid_request', 'parentId is not a message id.');
  const around = search.get('around') ?? undefined;
  if ([before, after, around].filter((each) => each !== undefined).length > 1)
    throw refuse('invalid_request', 'before, after and around exclude each other.');
  if (around !== undefined && parentId !== undefined)
    throw refuse('invalid_request', 'around looks at all messages, and parentId at a thread.');
  if (around !== undefined && !ID_PATTERN.test(around)) throw refuse('invalid_request', 'around is not a message id.');
  return {
    limit: wholeNumber(search, 'limit', { min: 1, max: MESSAGES_PAGE_MAX, absent: MESSAGES_PAGE_DEFAULT }),
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
    ...(parentId === undefined ? {} : { parentId }),
    ...(around === undefined ? {} : { around }),
  };
}

async function messages(query: Query): Promise<object> {
  const asked = messagesQuery(query.search);
  const page = await read(query, (session) => session.messages(query.identity, query.caller.actor, asked));
  return {
    items: await readMessages(query.identity, page.items, storeOf(query)),
    ...(page.nextCursor === undefined ? {} : { nextCursor: page.nextCursor }),
    previousCursor: page.previousCursor,
  };
}

async function message(query: Query): Promise<object> {
  const messageId = query.params['m'] ?? '';
  if (!ID_PATTERN.test(messageId)) {
    // whether the session may be seen comes first: a stranger learns nothing from a malformed id
    await describe(query);
    throw refuse('message_not_found', 'There is no such message.');
  }
  const item = await read(query, (session) => session.message(query.identity, query.caller.actor, messageId));
  const [answer] = await readMessages(query.identity, [item], storeOf(query));
  return answer as object;
}

async function traces(query: Query): Promise<object> {
  const asked = pageQuery(query.search, TRACES_PAGE_MAX, TRACES_PAGE_DEFAULT);
  const page = await read(query, (session) => session.traces(query.identity, query.caller.actor, asked));
  return {
    items: await readTraces(query.identity, page, storeOf(query)),
    ...(page.nextCursor === undefined ? {} : { nextCursor: page.nextCursor }),
  };
}

async function trace(query: Query): Promise<object> {
  const traceId = query.params['t'] ?? '';
  const asked = pageQuery(query.search, SPANS_PAGE_MAX, SPANS_PAGE_DEFAULT);
  if (!ID_PATTERN.test(traceId)) {
    await describe(query);
    throw refuse('trace_not_found', 'There is no such trace.');
  }
  const page = await read(query, (session) => session.traceById(query.identity, query.caller.actor, traceId, asked));
  return await readTrace(query.identity, page, storeOf(query));
}

function commandStatus(query: Query): Promise<object> {
  const commandId = query.params['c'] ?? '';
  if (!COMMAND_ID_PATTERN.test(commandId)) throw refuse('not_found', 'There is no such command.');
  return read(query, (session) => session.commandStatus(query.identity, query.caller.actor, commandId));
}
