import { z } from 'zod';
import { ID_PATTERN, TENANT_PATTERN, USER_ID_PATTERN } from '../core/ids.ts';
import { SEARCH_PAGE_MAX, SEARCH_QUERY_CODE_POINTS_MAX, SEARCH_QUESTION_SESSIONS_MAX, SEQ_MAX } from '../core/limits.ts';

/** What the edge asks of the search index over NATS (SEARCH_SUBJECT), and what it is told. Never public; versioned like internal.ts. */

const sessionId = z.string().regex(ID_PATTERN);

/**
 * Where a hit stands among others: the latest first, then by ids. Nothing of it ever changes; a score would, whatever anybody
 * writes, for it counts the words of the whole index.
 */
export const searchPlace = z.object({
  /** createdAt of the message, epoch milliseconds */
  sentAtMs: z.int(),
  sessionId,
  messageId: z.string().regex(ID_PATTERN),
});
export type SearchPlace = z.infer<typeof searchPlace>;

export const searchRequest = z.strictObject({
  /** 1 had hits in the order of their scores */
  v: z.literal(2),
  tenant: z.string().regex(TENANT_PATTERN),
  /** as the client wrote it */
  q: z.string().max(2 * SEARCH_QUERY_CODE_POINTS_MAX),
  /** only messages of these; none finds nothing */
  sessions: z.array(sessionId).max(SEARCH_QUESTION_SESSIONS_MAX),
  author: z.string().regex(USER_ID_PATTERN).optional(),
  /** both bounds are left out */
  sentAfterMs: z.int().optional(),
  sentBeforeMs: z.int().optional(),
  /** only hits behind it */
  after: searchPlace.optional(),
  limit: z.int().min(1).max(SEARCH_PAGE_MAX),
});
export type SearchRequest = z.infer<typeof searchRequest>;

export const searchAnswer = z.discriminatedUnion('ok', [
  z.object({
    ok: z.literal(true),
    /** newest first */
    hits: z.array(searchPlace.extend({ seq: z.int().min(1).max(SEQ_MAX), score: z.number() })),
    /** are there others behind the last one? */
    more: z.boolean(),
    /** of all pages; counted up to SEARCH_TOTAL_MAX */
    total: z.int().min(0),
    /** the index has every event that the stream had at this time, epoch milliseconds */
    asOfMs: z.int(),
  }),
  z.object({ ok: z.literal(false), code: z.enum(['unavailable', 'invalid_request']), detail: z.string() }),
]);
export type SearchAnswered = z.infer<typeof searchAnswer>;
export type SearchHit = Extract<SearchAnswered, { ok: true }>['hits'][number];

/** Negative when `a` comes before `b`. */
export function compareHits(a: SearchPlace, b: SearchPlace): number {
  if (a.sentAtMs !== b.sentAtMs) return b.sentAtMs - a.sentAtMs;
  const [keyA, keyB] = [keyOf(a), keyOf(b)];
  return keyA < keyB ? -1 : keyA > keyB ? 1 : 0;
}

/** One message of a tenant; ids hold no `/`. */
export function keyOf({ sessionId: session, messageId }: Pick<SearchPlace, 'sessionId' | 'messageId'>): string {
  return `${session}/${messageId}`;
}
