import { z } from 'zod';
import { ANALYTICS_POINTS_MAX, ANALYTICS_QUERIES, ANALYTICS_STEPS } from './analytics.ts';
import { ERROR_CODES, type ErrorCode } from '../core/codes.ts';
import { CORRELATION_ID_PATTERN, ID_PATTERN, TENANT_PATTERN, USER_ID_PATTERN } from '../core/ids.ts';
import { SEQ_MAX } from '../core/limits.ts';
import { backOverview, consumersPage, pauseState, rebuildProgress } from './system.ts';

/**
 * What the edge asks for those who operate (contract §8), as JSON over NATS request and reply (ADMIN_SUBJECT). A question is a row
 * of `adminRequest`, what it answers a row of ADMIN_RESULTS, from which the OpenAPI document takes its schemas too.
 */

export const LETTERS_PAGE_DEFAULT = 50;
export const LETTERS_PAGE_MAX = 100;
/** letters that one call redrives; the rest is for the next call */
export const REDRIVES_DEFAULT = 50;
export const REDRIVES_MAX = 100;
export const ADMIN_LOG_PAGE_DEFAULT = 50;
export const ADMIN_LOG_PAGE_MAX = 100;
const REASON_CHARS_MAX = 1_000;

const time = z.iso.datetime().describe('RFC 3339, UTC, milliseconds');
const position = z.int().min(1).max(Number.MAX_SAFE_INTEGER);
/** the last token of a dead letter's subject */
export const consumerName = z.string().regex(ID_PATTERN, 'must be 1 to 64 characters of A–Z a–z 0–9 _ -');

/** who asks: proved by the edge. What is answered is of this tenant alone. */
const asking = {
  v: z.literal(1),
  tenant: z.string().regex(TENANT_PATTERN),
  actor: z.string().regex(USER_ID_PATTERN),
  correlationId: z.string().regex(CORRELATION_ID_PATTERN),
  /** epoch milliseconds by the edge's clock: whoever asks has gone then, and takes it for not done */
  answerByMs: z.int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
};

const letterId = z.string().regex(ID_PATTERN);
const limit = (max: number) => z.int().min(1).max(max);

/** which letters a call means: all that fit every field that is there */
const chosen = {
  consumer: consumerName.optional(),
  reason: z.string().min(1).max(REASON_CHARS_MAX).optional(),
  ids: z.array(letterId).min(1).max(REDRIVES_MAX).optional(),
};

/** The body of POST /v1/admin/dead-letters/redrive. */
export const redriveBody = z.strictObject({
  ...chosen,
  dryRun: z.boolean().optional(),
  limit: limit(REDRIVES_MAX).optional(),
  cursor: z.string().min(1).max(512).optional(),
});

export const adminRequest = z.discriminatedUnion('op', [
  z.strictObject({
    ...asking,
    op: z.literal('deadLetters.list'),
    consumer: consumerName.optional(),
    before: position.optional(),
    limit: limit(LETTERS_PAGE_MAX),
  }),
  z.strictObject({ ...asking, op: z.literal('deadLetters.get'), id: letterId }),
  z.strictObject({ ...asking, op: z.literal('deadLetters.redrive'), id: letterId }),
  z.strictObject({ ...asking, op: z.literal('deadLetters.discard'), id: letterId }),
  /** oldest first, from `after` (exclusive) up to `until`, which the first call sets: what is buried meanwhile is not met again */
  z.strictObject({
    ...asking,
    op: z.literal('deadLetters.redriveAll'),
    ...chosen,
    dryRun: z.boolean(),
    limit: limit(REDRIVES_MAX),
    after: z.int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
    until: position.optional(),
  }),
  z.strictObject({ ...asking, op: z.literal('audit.session'), sessionId: z.string().regex(ID_PATTERN) }),
  z.strictObject({
    ...asking,
    op: z.literal('analytics.query'),
    query: z.enum(ANALYTICS_QUERIES),
    step: z.enum(ANALYTICS_STEPS),
    /** epoch milliseconds, aligned to the step */
    fromMs: z.int().min(0).max(Number.MAX_SAFE_INTEGER),
    points: limit(ANALYTICS_POINTS_MAX),
  }),
  z.strictObject({ ...asking, op: z.literal('overview') }),
  z.strictObject({ ...asking, op: z.literal('consumers.list') }),
  /** epoch milliseconds; absent: as long as may be, or as it is when it is paused already */
  z.strictObject({
    ...asking,
    op: z.literal('consumers.pause'),
    name: consumerName,
    untilMs: z.int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
  }),
  z.strictObject({ ...asking, op: z.literal('consumers.resume'), name: consumerName }),
  z.strictObject({ ...asking, op: z.literal('consumers.rebuild'), name: consumerName }),
  z.strictObject({ ...asking, op: z.literal('log.list'), before: position.optional(), limit: limit(ADMIN_LOG_PAGE_MAX) }),
]);
export type AdminRequest = z.infer<typeof adminRequest>;
export type AdminOp = AdminRequest['op'];
export type AdminRequestOf<Op extends AdminOp> = Extract<AdminRequest, { op: Op }>;

/** An event that a consumer could not take, or a command that was refused (contract §5). */
export const deadLetter = z.object({
  id: z.string().regex(ID_PATTERN),
  consumer: z.string(),
  reason: z.string().describe('a short code'),
  error: z.string().describe('what was said of it, for people; of at most 1,000 characters'),
  attempts: z.int().min(0),
  subject: z.string().describe('where it was published'),
  streamSeq: z.int().min(0).describe('its sequence in the stream that it came from'),
  firstFailedAt: time,
  at: time.describe('when it became a dead letter'),
  tenant: z.string().exactOptional(),
  sessionId: z.string().exactOptional(),
  seq: z.int().min(1).max(SEQ_MAX).exactOptional(),
  eventId: z.string().exactOptional(),
  commandId: z.string().exactOptional(),
  correlationId: z.string().exactOptional(),
  bytes: z.int().min(0).describe('of the payload; one over 64 KiB is not looked into for a list'),
});
export type DeadLetterAnswer = z.infer<typeof deadLetter>;

const header = z.object({ name: z.string(), value: z.string() });

export const deadLetterDetail = deadLetter.extend({
  headers: z.array(header).describe('of the message as it was published, and why it is here'),
  headersCut: z.literal(true).exactOptional().describe('there are more, or longer ones'),
  payload: z.object({
    encoding: z.enum(['text', 'base64']).describe('base64 where it is not UTF-8'),
    data: z.string(),
    cut: z.literal(true).exactOptional().describe('this is its beginning alone'),
  }),
});
export type DeadLetterDetail = z.infer<typeof deadLetterDetail>;

/** - `event`: the consumer gets the event as the session has it now
 *  - `erased`: the same, of an event whose data was erased meanwhile
 *  - `command`: its session gets it once more, with its key */
const redrivenAs = z.enum(['event', 'erased', 'command']);
export type RedrivenAs = z.infer<typeof redrivenAs>;

const redriven = z.object({ id: letterId, consumer: z.string(), outcome: z.literal('redriven'), as: redrivenAs });
const discarded = z.object({ id: letterId, consumer: z.string(), outcome: z.literal('discarded') });

const redriveItem = z.object({
  id: letterId,
  consumer: z.string().exactOptional(),
  reason: z.string().exactOptional(),
  outcome: z.enum(['redriven', 'wouldRedrive', 'failed', 'gone']),
  as: redrivenAs.exactOptional(),
  code: z.string().exactOptional().describe('of one that failed, by the catalogue of errors'),
  detail: z.string().exactOptional(),
});
export type RedriveItem = z.infer<typeof redriveItem>;

export const redriveReport = z.object({
  dryRun: z.boolean(),
  matched: z.int().min(0).describe('letters that this call looked at'),
  redriven: z.int().min(0).describe('or, of a dry run, would be'),
  failed: z.int().min(0),
  items: z.array(redriveItem),
});

export const adminLogLine = z.object({
  at: time,
  tenant: z.string(),
  actor: z.string(),
  action: z.string().describe('what was done, as `deadLetters.discard`'),
  target: z.string().describe('to what'),
  correlationId: z.string(),
  details: z.record(z.string(), z.unknown()),
});
export type AdminLogLine = z.infer<typeof adminLogLine>;

const amount = z.int().min(0);

/** What docs/audit.md says of its words. */
export const sessionAudit = z.object({
  sessionId: z.string(),
  isComplete: z.boolean().describe('false: the session is too large for one answer, and nothing is said of it: npm run audit'),
  epoch: z.string().exactOptional().describe('absent: the edge knows no such session'),
  head: amount,
  persisted: amount.describe('everything up to here has a receipt'),
  counts: z.object({
    events: amount,
    pending: amount.describe('accepted, and on their way'),
    unverifiable: amount.describe('trimmed before the edge kept digests'),
  }),
  deadLetters: z.array(z.object({ consumer: z.string(), seq: z.int(), reason: z.string() })),
  behind: z.array(z.string()).describe('read models that have not come to its newest event, and were not compared'),
  found: z.object({ missing: amount, different: amount, extra: amount, lost: amount }),
  findings: z
    .array(
      z.object({
        tier: z.string().describe('archive, stream, or a read model'),
        kind: z.enum(['missing', 'different', 'extra', 'lost']),
        place: z.string(),
        detail: z.string(),
      }),
    )
    .describe('the first 100'),
  isCut: z.literal(true).exactOptional().describe('there may be more than `found` counts'),
});

export const ADMIN_RESULTS = {
  /** newest first; `next`: there are older ones below it, so `before` of the next page */
  'deadLetters.list': z.object({ items: z.array(deadLetter), next: position.exactOptional() }),
  'deadLetters.get': deadLetterDetail,
  'deadLetters.redrive': redriven,
  'deadLetters.discard': discarded,
  'deadLetters.redriveAll': redriveReport.extend({
    next: z.object({ after: z.int().min(0), until: position }).exactOptional(),
  }),
  'audit.session': sessionAudit,
  /** one per step, in order: points of the query */
  'analytics.query': z.object({ items: z.array(z.record(z.string(), z.unknown())) }),
  overview: backOverview,
  'consumers.list': consumersPage,
  'consumers.pause': pauseState,
  'consumers.resume': pauseState,
  /** of the one that was begun */
  'consumers.rebuild': rebuildProgress,
  'log.list': z.object({ items: z.array(adminLogLine), next: position.exactOptional() }),
} as const satisfies Record<AdminOp, z.ZodType>;
export type AdminResult<Op extends AdminOp> = z.infer<(typeof ADMIN_RESULTS)[Op]>;

/** Expected refusals are codes of the catalogue; the detail is for the operator. */
export interface AdminRefusal {
  code: ErrorCode;
  detail: string;
}
export type AdminAnswer = { ok: true; op: AdminOp; result: unknown } | ({ ok: false } & AdminRefusal);

/** What came back, before its result is read by its schema. */
export const adminAnswer = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), op: z.string(), result: z.unknown() }),
  z.object({
    ok: z.literal(false),
    code: z.enum(Object.keys(ERROR_CODES) as [ErrorCode]),
    detail: z.string(),
  }),
]);
