import { consumerName, LETTERS_PAGE_DEFAULT, LETTERS_PAGE_MAX } from '../../shared/contract/admin.ts';
import { decodeCursor, encodeCursor } from '../session/cursor.ts';
import { askAdmin, requireAdmin } from './ask-admin.ts';
import type { AppContext, Caller } from './context.ts';
import { opaque, wholeNumber } from './query-params.ts';
import { refuse } from './refused.ts';
import type { Params, Route } from './route.ts';

type Handle = (c: AppContext, params: Params, caller: Caller) => Promise<object>;

/** What operators ask (contract §8), by method and place under `/v1/admin`; the answer is JSON. */
const HANDLERS: readonly (readonly ['GET' | 'POST', string, Handle])[] = [['GET', '/dead-letters', listDeadLetters]];

export const adminRoutes: Route[] = HANDLERS.map(([method, path, handle]) => ({
  method,
  path: `/v1/admin${path}`,
  access: 'caller',
  handle: async (c, params, caller) => {
    // before anything that the request says: who may not ask learns nothing of what would be a good question
    requireAdmin(caller);
    return c.json(await handle(c, params, caller));
  },
}));

async function listDeadLetters(c: AppContext, _params: Params, caller: Caller): Promise<object> {
  const search = new URL(c.req.url).searchParams;
  const limit = wholeNumber(search, 'limit', { min: 1, max: LETTERS_PAGE_MAX, absent: LETTERS_PAGE_DEFAULT });
  const consumer = consumerOf(search);
  const before = positionOf(search, caller);
  const { items, next } = await askAdmin(c, caller, 'deadLetters.list', {
    limit,
    ...(consumer === undefined ? {} : { consumer }),
    ...(before === undefined ? {} : { before }),
  });
  return { items, ...(next === undefined ? {} : { nextCursor: encodeCursor('letters', caller.tenant, String(next)) }) };
}

function consumerOf(search: URLSearchParams): string | undefined {
  const consumer = search.get('consumer') ?? undefined;
  if (consumer !== undefined && !consumerName.safeParse(consumer).success) {
    throw refuse('invalid_request', 'consumer is not the name of a consumer.');
  }
  return consumer;
}

function positionOf(search: URLSearchParams, { tenant }: Caller): number | undefined {
  const cursor = opaque(search, 'cursor');
  if (cursor === undefined) return undefined;
  const position = decodeCursor('letters', tenant, cursor);
  if (position === undefined) throw refuse('invalid_request', 'This cursor was not made here.');
  return Number(position);
}
