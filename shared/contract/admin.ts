import { z } from 'zod';
import { ERROR_CODES, type ErrorCode } from '../core/codes.ts';
import { CORRELATION_ID_PATTERN, ID_PATTERN, TENANT_PATTERN, USER_ID_PATTERN } from '../core/ids.ts';
import { SEQ_MAX } from '../core/limits.ts';

/**
 * What the edge asks for those who operate (contract §8), as JSON over NATS request and reply (ADMIN_SUBJECT). A question is a row
 * of `adminRequest`, what it answers a row of ADMIN_RESULTS, from which the OpenAPI document takes its schemas too.
 */

export const LETTERS_PAGE_DEFAULT = 50;
export const LETTERS_PAGE_MAX = 100;

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
};

const page = { before: position.optional(), limit: z.int().min(1).max(LETTERS_PAGE_MAX) };

export const adminRequest = z.discriminatedUnion('op', [
  z.strictObject({ ...asking, op: z.literal('deadLetters.list'), consumer: consumerName.optional(), ...page }),
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

export const ADMIN_RESULTS = {
  /** newest first; `next`: there are older ones below it, so `before` of the next page */
  'deadLetters.list': z.object({ items: z.array(deadLetter), next: position.exactOptional() }),
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
