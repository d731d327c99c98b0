import { z } from 'zod';
import { event, id, inboxFrame, result, socketProblem, time, userId } from './schemas.ts';

const seq = z.int().min(0);
const index = z.int().min(0);

const signalData = {
  typing: z.strictObject({ active: z.boolean() }),
  presence: z.strictObject({ status: z.enum(['online', 'away', 'offline']) }),
  read: z.strictObject({ seq }),
  // beyond the contract: up to which chunk the text of who joins late goes, and as what the message will stand
  stream: z.strictObject({
    messageId: id,
    index,
    text: z.string(),
    lastIndex: index.optional(),
    role: z.string().optional(),
    name: z.string().optional(),
    parentId: id.optional(),
  }),
  cancel: z.strictObject({ messageId: id, reason: z.string().optional() }),
};

const user = z.strictObject({ id: userId, name: z.string().optional(), kind: z.enum(['user', 'agent', 'system']) });

function signal<Name extends keyof typeof signalData>(name: Name) {
  return z.strictObject({ type: z.literal('signal'), name: z.literal(name), user, data: signalData[name], at: time });
}

export const signalFrame = z.discriminatedUnion('name', [
  signal('typing'),
  signal('presence'),
  signal('read'),
  signal('stream'),
  signal('cancel'),
]);
export type Signal = z.infer<typeof signalFrame>;

export const welcomeFrame = z.strictObject({
  type: z.literal('welcome'),
  protocol: z.literal(1),
  sessionId: id,
  epoch: z.string().min(1),
  head: seq,
  from: seq,
  recovered: z.boolean(),
  readSeq: seq,
  user,
  heartbeatMs: z.literal(30_000),
  window: z.strictObject({ events: z.literal(10_000), bytes: z.literal(8_388_608) }),
  expiresAt: time,
});
export type Welcome = z.infer<typeof welcomeFrame>;

/** every frame that a server may send, on either kind of socket */
export const serverFrame = z.union([
  welcomeFrame,
  z.strictObject({ type: z.literal('events'), events: z.array(event).min(1) }),
  z.strictObject({ type: z.literal('ack'), id: z.string(), result, replayed: z.literal(true).optional() }),
  z.strictObject({ type: z.literal('reject'), id: z.string(), error: socketProblem }),
  signalFrame,
  inboxFrame,
]);
export type ServerFrame = z.infer<typeof serverFrame>;
