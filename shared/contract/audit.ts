import { z } from 'zod';
import { ID_PATTERN, TENANT_PATTERN, USER_ID_PATTERN } from '../core/ids.ts';
import { SEQ_MAX } from '../core/limits.ts';

/** What an audit asks the edge: POST /internal/audit, signed. The edge only says what it knows; who asks does the comparing. */

const seq = z.int().min(1).max(SEQ_MAX);
const mark = z.int().min(0).max(SEQ_MAX);
const range = z.object({ from: seq, to: seq });
const sessionRef = { tenant: z.string().regex(TENANT_PATTERN), sessionId: z.string().regex(ID_PATTERN) };

/** digests in one answer; of events that are still whole, which have to be read for it, so many events and bytes */
export const AUDIT_DIGESTS_MAX = 10_000;
export const AUDIT_TAIL_EVENTS_MAX = 1_000;
export const AUDIT_TAIL_BYTES_MAX = 2 * 1024 * 1024;
/** ranges of events without a receipt in one answer; beyond it the last one reaches to the head */
export const AUDIT_RANGES_MAX = 1_000;
/** dead letters in one answer, the oldest; `moreFailures` says that there are others */
export const AUDIT_FAILURES_MAX = 1_000;
/** inboxes looked at in one call */
export const AUDIT_INBOXES_MAX = 50;

export const auditRequest = z.discriminatedUnion('op', [
  z.strictObject({ v: z.literal(1), op: z.literal('digests'), ...sessionRef, from: seq }),
  /**
   * Events of the tail, in order, erased where they are; cut at AUDIT_TAIL_EVENTS_MAX and AUDIT_TAIL_BYTES_MAX. Never out of the
   * archive (as /internal/events): that is what is judged by them.
   */
  z.strictObject({ v: z.literal(1), op: z.literal('events'), ...sessionRef, from: seq, to: seq }),
  /** the inboxes of members whose user id is above `after`, AUDIT_INBOXES_MAX at a time */
  z.strictObject({
    v: z.literal(1),
    op: z.literal('inboxes'),
    ...sessionRef,
    after: z.union([z.literal(''), z.string().regex(USER_ID_PATTERN)]),
  }),
]);
export type AuditRequest = z.infer<typeof auditRequest>;

/** Absent marks: there never was such a session. */
export const auditDigests = z.object({
  session: z
    .object({
      epoch: z.string(),
      head: mark,
      /** seq of the oldest event that is still whole */
      floor: seq,
      /** acknowledged by JetStream up to here */
      sent: mark,
      /** a receipt for everything up to here; a dead letter has one too */
      persisted: mark,
      /** what has no receipt */
      pending: z.array(range).max(AUDIT_RANGES_MAX),
      /** epoch milliseconds; present with `pending` */
      oldestPendingAtMs: z.int().optional(),
      /** dead letters of the history, by what their receipts said */
      failures: z.array(z.object({ seq, consumer: z.string(), code: z.string() })).max(AUDIT_FAILURES_MAX),
      moreFailures: z.literal(true).optional(),
      isDeleted: z.boolean(),
      /** base64 of digests of `from`, `from` + 1, … (shared/core/event-digest.ts), as far as the bounds go; none above the head */
      digests: z.string(),
    })
    .optional(),
});
export type AuditDigests = z.infer<typeof auditDigests>;
export type AuditedSession = NonNullable<AuditDigests['session']>;

/** JSON of whole events: what is below the session's tail is left out */
export const auditEvents = z.object({ events: z.array(z.string()).max(AUDIT_TAIL_EVENTS_MAX) });
export type AuditEvents = z.infer<typeof auditEvents>;

/** An inbox that does not show the session as the session is. */
export const auditInboxes = z.object({
  looked: z.int(),
  findings: z.array(z.object({ userId: z.string(), kind: z.enum(['missing', 'different']), detail: z.string() })),
  /** goes on after this user id */
  next: z.string().optional(),
  /** the session is too large for every member to be told: nothing to compare */
  isUnpushed: z.literal(true).optional(),
});
export type AuditInboxes = z.infer<typeof auditInboxes>;
