import { z } from 'zod';

/**
 * What the system answers, as far as a client of the public contract relies on it. Parsed where it comes in, so that an
 * answer of another shape is a named fault rather than an `undefined` somewhere later. Unknown members are kept: the
 * contract may grow.
 */
const seq = z.int().min(0);

export const accepted = z.looseObject({
  commandId: z.string(),
  sessionId: z.string(),
  seq,
  eventId: z.string().nullable(),
  entityId: z.string(),
  correlationId: z.string(),
  acceptedAt: z.iso.datetime(),
  unchanged: z.literal(true).optional(),
});
export type Accepted = z.infer<typeof accepted>;

export const commandStatus = z.looseObject({
  commandId: z.string(),
  status: z.enum(['accepted', 'published', 'persisted', 'failed']),
  seq,
  eventId: z.string(),
  acceptedAt: z.iso.datetime(),
  publishedAt: z.iso.datetime().optional(),
  persistedAt: z.iso.datetime().optional(),
  failure: z.looseObject({ code: z.string(), detail: z.string() }).optional(),
});
export type CommandStatus = z.infer<typeof commandStatus>;

export const message = z.looseObject({
  id: z.string(),
  sessionId: z.string(),
  seq,
  author: z.looseObject({ id: z.string() }),
  text: z.string(),
  status: z.string(),
  createdAt: z.iso.datetime(),
  editedAt: z.iso.datetime().optional(),
  deletedAt: z.iso.datetime().optional(),
});
export type Message = z.infer<typeof message>;

export const messagesPage = z.looseObject({
  items: z.array(message),
  nextCursor: z.string().optional(),
  previousCursor: z.string(),
});

export const event = z.looseObject({
  id: z.string(),
  type: z.string(),
  subject: z.string(),
  seq: z.int().min(1),
  clock: z.string(),
  actor: z.string(),
  causationid: z.string(),
  time: z.iso.datetime(),
  data: z.record(z.string(), z.unknown()),
});
export type WireEvent = z.infer<typeof event>;

export const eventsPage = z.looseObject({ items: z.array(event), head: seq, epoch: z.string() });

export const session = z.looseObject({ id: z.string(), title: z.string(), head: seq, epoch: z.string(), memberCount: z.int() });
export type SessionAnswer = z.infer<typeof session>;

export const member = z.looseObject({ user: z.looseObject({ id: z.string() }), role: z.string(), joinedAt: z.iso.datetime() });
export type Member = z.infer<typeof member>;

export const membersPage = z.looseObject({ items: z.array(member), nextCursor: z.string().optional() });

export const ticket = z.looseObject({ ticket: z.string(), expiresAt: z.iso.datetime() });

export const problem = z.looseObject({
  status: z.int(),
  code: z.string(),
  detail: z.string(),
  retryAfterMs: z.number().optional(),
});
export type Problem = z.infer<typeof problem>;

/** Events are not judged here: on a busy socket that would cost more than all the rest, and the checker compares them whole. */
export const serverFrame = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('welcome'), epoch: z.string(), head: seq, from: seq, recovered: z.boolean() }),
  z.looseObject({ type: z.literal('events'), events: z.array(z.custom<{ seq: number }>(hasSeq)) }),
  z.looseObject({ type: z.literal('ack'), id: z.string(), result: accepted, replayed: z.boolean().optional() }),
  z.looseObject({ type: z.literal('reject'), id: z.string(), error: problem }),
  z.looseObject({ type: z.literal('signal'), name: z.string() }),
]);
export type ServerFrame = z.infer<typeof serverFrame>;

function hasSeq(value: unknown): value is { seq: number } {
  return typeof value === 'object' && value !== null && 'seq' in value && Number.isSafeInteger(value.seq);
}
