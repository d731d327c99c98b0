import {
  ADMIN_LOG_PAGE_DEFAULT,
  ADMIN_LOG_PAGE_MAX,
  consumerName,
  LETTERS_PAGE_DEFAULT,
  LETTERS_PAGE_MAX,
  redriveBody,
  REDRIVES_DEFAULT,
} from '../../shared/contract/admin.ts';
import { ID_PATTERN } from '../../shared/core/ids.ts';
import { decodeCursor, encodeCursor, type CursorKind } from '../session/cursor.ts';
import { analytics } from './admin-analytics.ts';
import { bodyOf, noFields, type Asked } from './admin-asked.ts';
import { askAdmin, requireAdmin } from './ask-admin.ts';
import type { Caller } from './context.ts';
import { opaque, wholeNumber } from './query-params.ts';
import { listConsumers, pauseConsumer, rebuildConsumer, resumeConsumer, showOverview } from './admin-system.ts';
import { refuse } from './refused.ts';
import type { Route } from './route.ts';

/** What operators ask (contract §8), by method and place under `/v1/admin`; the answer is JSON. */
const HANDLERS: readonly (readonly ['GET' | 'POST', string, (asked: Asked) => Promise<object>, status?: 200 | 202])[] = [
  ['GET', '/dead-letters', listDeadLetters],
  [
    'GET',
    '/dead-letters/{id}',
    async (asked) => await askAdmin(asked.c, asked.caller, 'deadLetters.get', { id: letterId(asked) }),
  ],
  ['POST', '/dead-letters/{id}/redrive', async (asked) => await settleDeadLetter(asked, 'deadLetters.redrive')],
  ['POST', '/dead-letters/{id}/discard', async (asked) => await settleDeadLetter(asked, 'deadLetters.discard')],
  ['POST', '/dead-letters/redrive', redriveDeadLetters],
  [
    'GET',
    '/audit/sessions/{s}',
    async ({ c, params, caller }) => await askAdmin(c, caller, 'audit.session', { sessionId: params['s'] ?? '' }),
  ],
  ['GET', '/log', listLog],
  ['GET', '/overview', showOverview],
  ['GET', '/consumers', listConsumers],
  ['POST', '/consumers/{name}/pause', pauseConsumer],
  ['POST', '/consumers/{name}/resume', resumeConsumer],
  ['POST', '/consumers/{name}/rebuild', rebuildConsumer, 202],
  ['GET', '/analytics/{query}', analytics],
];

export const adminRoutes: Route[] = HANDLERS.map(([method, path, handle, status = 200]) => ({
  method,
  path: `/v1/admin${path}`,
  access: 'caller',
  handle: async (c, params, caller) => {
    // before anything that the request says: who may not ask learns nothing of what would be a good question
    requireAdmin(caller);
    return c.json(await handle({ c, params, caller, search: new URL(c.req.url).searchParams }), status);
  },
}));

async function listDeadLetters({ c, caller, search }: Asked): Promise<object> {
  const consumer = search.get('consumer') ?? undefined;
  if (consumer !== undefined && !consumerName.safeParse(consumer).success) {
    throw refuse('invalid_request', 'consumer is not the name of a consumer.');
  }
  const { items, next } = await askAdmin(c, caller, 'deadLetters.list', {
    ...pageOf('letters', caller, search, LETTERS_PAGE_MAX, LETTERS_PAGE_DEFAULT),
    ...(consumer === undefined ? {} : { consumer }),
  });
  return { items, ...nextCursor('letters', caller, next) };
}

async function listLog({ c, caller, search }: Asked): Promise<object> {
  const page = pageOf('adminlog', caller, search, ADMIN_LOG_PAGE_MAX, ADMIN_LOG_PAGE_DEFAULT);
  const { items, next } = await askAdmin(c, caller, 'log.list', page);
  return { items, ...nextCursor('adminlog', caller, next) };
}

async function settleDeadLetter(asked: Asked, op: 'deadLetters.redrive' | 'deadLetters.discard'): Promise<object> {
  const id = letterId(asked);
  await bodyOf(asked, noFields);
  return await askAdmin(asked.c, asked.caller, op, { id });
}

async function redriveDeadLetters(asked: Asked): Promise<object> {
  const { c, caller } = asked;
  const { cursor, dryRun = false, limit = REDRIVES_DEFAULT, ...chosen } = await bodyOf(asked, redriveBody);
  const { next, ...report } = await askAdmin(c, caller, 'deadLetters.redriveAll', {
    ...chosen,
    dryRun,
    limit,
    ...(cursor === undefined ? {} : walkOf(cursor, caller)),
  });
  return { ...report, ...nextCursor('redrives', caller, next && `${next.after}.${next.until}`) };
}

/** Where a walk over the letters goes on, and where it ends. */
function walkOf(cursor: string, { tenant }: Caller): { after: number; until: number } {
  const [after, until] = (decodeCursor('redrives', tenant, cursor) ?? '').split('.').map(Number);
  if (after === undefined || until === undefined) throw refuse('invalid_request', 'This cursor was not made here.');
  return { after, until };
}

/** One that cannot exist is one that does not. */
function letterId({ params }: Asked): string {
  const id = params['id'] ?? '';
  if (!ID_PATTERN.test(id)) throw refuse('not_found', 'There is no such dead letter.');
  return id;
}

function pageOf(
  kind: CursorKind,
  { tenant }: Caller,
  search: URLSearchParams,
  max: number,
  absent: number,
): { limit: number; before?: number } {
  const limit = wholeNumber(search, 'limit', { min: 1, max, absent });
  const cursor = opaque(search, 'cursor');
  if (cursor === undefined) return { limit };
  const position = decodeCursor(kind, tenant, cursor);
  if (position === undefined) throw refuse('invalid_request', 'This cursor was not made here.');
  return { limit, before: Number(position) };
}

function nextCursor(kind: CursorKind, { tenant }: Caller, position: string | number | undefined): { nextCursor?: string } {
  return position === undefined ? {} : { nextCursor: encodeCursor(kind, tenant, String(position)) };
}
