import { z } from 'zod';
import { TEXT_CODE_POINTS_MAX } from '../core/limits.ts';
import * as field from './fields.ts';

/** What backends publish over NATS (contract §5). */

/** Who acts: the right to publish is the right to act as anyone of the tenant. */
const actor = z.strictObject({
  id: field.userId,
  name: field.shortText.exactOptional(),
  kind: z.enum(['user', 'agent', 'system']),
});

/** The envelope of a command; what is in it is judged by the catalogue, as at every door. A missing `data` is `{}`. */
export const backendCommand = z.strictObject({
  command: z.string(),
  data: z.unknown().optional(),
  actor,
  commandId: field.id.optional(),
  // an unusable one is as good as none, as at the other doors
  correlationId: z.unknown().optional(),
  traceparent: z.unknown().optional(),
});
export type BackendCommand = z.infer<typeof backendCommand>;

/** What a backend says for the moment. `text` has UTF-16 code units to its bound: the end of a stream judges the whole. */
export const inboundSignal = z.discriminatedUnion('name', [
  z.strictObject({
    name: z.literal('stream'),
    actor,
    data: z.strictObject({ messageId: field.id, index: z.int().min(0), text: z.string().max(TEXT_CODE_POINTS_MAX) }),
  }),
  z.strictObject({ name: z.literal('typing'), actor, data: z.strictObject({ active: z.boolean() }) }),
]);
export type InboundSignal = z.infer<typeof inboundSignal>;

/** of a command: belongs to (tenant, actor, session) as at every door; absent, one is derived from the stored message */
export const IDEMPOTENCY_KEY_HEADER = 'Millrace-Idempotency-Key';
/** of a command: the subject to which its 202 body or its problem is published */
export const REPLY_HEADER = 'Millrace-Reply';
/** of a reply: `true` when an earlier answer is repeated */
export const REPLAYED_HEADER = 'Idempotent-Replayed';

/** longer subjects are not taken: no backend has one */
const REPLY_SUBJECT_CHARS_MAX = 256;
/**
 * A reply is published with the rights of whoever relays it. So it must not go where the system itself listens: nobody may have
 * an event, a command or a call of the server's API published in this way.
 */
const REPLY_SUBJECT = /^(?!\$|millrace\.)[!-~]+$/i;

/** Whether replies may go to a subject: a literal one, in the form of NATS, that is not the system's own. */
export function isReplySubject(subject: string): boolean {
  return (
    subject.length <= REPLY_SUBJECT_CHARS_MAX &&
    REPLY_SUBJECT.test(subject) &&
    subject.split('.').every((token) => token !== '' && !/[*>]/.test(token))
  );
}
