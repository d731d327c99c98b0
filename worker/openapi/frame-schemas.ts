import { z } from 'zod';
import { DATA_SCHEMAS } from '../../shared/contract/catalogue.ts';
import * as field from '../../shared/contract/fields.ts';
import type { ServerFrame } from '../../shared/contract/frames.ts';
import { SEQ_MAX } from '../../shared/core/limits.ts';
import type { CommandName } from '../../shared/core/types.ts';
import { ANSWER_SCHEMAS } from './answer-schemas.ts';

/** Frames and messages as schemas for the AsyncAPI document (contract §4 and §5). The types keep the frames true to what is sent. */
const time = z.iso.datetime().describe('RFC 3339, UTC, milliseconds');
const seq = z.int().min(0).max(SEQ_MAX);
const correlationId = z.string().min(1).max(128);
const ticket = z.string().max(256);

type FrameOf<T extends ServerFrame['type']> = Extract<ServerFrame, { type: T }>;
/** Checks that everything a frame may hold is in its schema; optional members and tuples of unions are the schema's own. */
type Describes<T> = z.ZodType & { shape: Record<keyof T, z.ZodType> };

export const SERVER_FRAMES = {
  welcome: z.object({
    type: z.literal('welcome'),
    protocol: z.literal(1),
    sessionId: field.id,
    epoch: z.string(),
    head: seq,
    from: seq.describe('seq of the first event that follows'),
    recovered: z.boolean().describe('false: read the gap over HTTP, or start over when the epoch is another'),
    readSeq: seq,
    user: ANSWER_SCHEMAS.User,
    heartbeatMs: z.int(),
    window: z.object({ events: z.int(), bytes: z.int() }),
    expiresAt: time,
  }) satisfies Describes<FrameOf<'welcome'>>,
  events: z.object({
    type: z.literal('events'),
    events: z.array(ANSWER_SCHEMAS.Event).describe('contiguous, in the order of seq'),
  }) satisfies Describes<FrameOf<'events'>>,
  ack: z.object({
    type: z.literal('ack'),
    id: z.string().describe("the command frame's"),
    result: ANSWER_SCHEMAS.Accepted,
    replayed: z.literal(true).optional(),
  }) satisfies Describes<FrameOf<'ack'>>,
  reject: z.object({
    type: z.literal('reject'),
    id: z.string().describe("the command frame's"),
    error: ANSWER_SCHEMAS.Problem,
  }) satisfies Describes<FrameOf<'reject'>>,
} as const;

const signal = <D extends z.ZodType>(name: string, data: D) =>
  z.object({ type: z.literal('signal'), name: z.literal(name), user: ANSWER_SCHEMAS.User, data, at: time });

const typing = z.object({ active: z.boolean() });
const chunk = z.object({
  messageId: field.id,
  index: z.int().min(0).describe('of the first chunk in it; 0 begins anew: who joins in the middle first gets the text so far'),
  text: z.string(),
});
const shownChunks = chunk.extend({
  lastIndex: z.int().min(0).describe('of the last chunk in it: the next frame begins behind it, or at 0'),
  role: field.messageRole.optional().describe('with index 0: of the message that it will be, as name and parentId'),
  name: z.string().optional(),
  parentId: field.id.optional(),
});
const cancel = z.object({ messageId: field.id, reason: z.string().optional() });

/** What is sent for the moment and not kept. */
export const SERVER_SIGNALS = {
  typing: signal('typing', typing),
  presence: signal('presence', z.object({ status: z.enum(['online', 'away', 'offline']) })),
  read: signal('read', z.object({ seq })),
  stream: signal('stream', shownChunks),
  cancel: signal('cancel', cancel),
} as const;

const given = {
  correlationId: correlationId.optional(),
  traceparent: z.string().optional(),
};

/** A command as a socket carries it. */
export function commandFrame(name: CommandName): z.ZodType {
  return z.object({
    type: z.literal('command'),
    id: z.string().min(1).max(128).describe('comes back in ack or reject'),
    command: z.literal(name),
    data: DATA_SCHEMAS[name],
    idempotencyKey: z.string().optional(),
    actor: z.string().optional().describe('`id[;kind]`, only with the scope service'),
    ...given,
  });
}

const actor = z.object({ id: field.userId, name: z.string().optional(), kind: z.enum(['user', 'agent', 'system']) });

/** A command as a backend publishes it. */
export function commandMessage(name: CommandName): z.ZodType {
  return z.object({
    command: z.literal(name),
    data: DATA_SCHEMAS[name],
    actor,
    commandId: z.string().optional().describe("becomes the event's causationid"),
    ...given,
  });
}

export const CLIENT_FRAMES = {
  signal: z.union([
    z.object({ type: z.literal('signal'), name: z.literal('typing'), data: typing }),
    z.object({ type: z.literal('signal'), name: z.literal('presence'), data: z.object({ status: z.enum(['online', 'away']) }) }),
  ]),
  received: z.object({ type: z.literal('received'), seq: seq.describe('everything up to it has arrived') }),
  renew: z.object({ type: z.literal('renew'), ticket }),
  ping: z.literal('ping').describe('the bare text, at least every heartbeat'),
} as const;

export const PONG = z.literal('pong');

export const INBOX_FRAME = z.object({
  type: z.literal('inbox'),
  rev: z.int().min(0).describe('send it as `after` when coming back'),
  items: z.array(
    z.object({
      sessionId: field.id,
      unread: z.int().min(0).max(100).describe('100: a hundred or more'),
      mentions: z.int().min(0),
      head: seq,
      role: field.memberRole.optional(),
      removed: z.literal(true).optional(),
    }),
  ),
});

/** Signals between the edge and backends: chunks and typing come in, cancel goes out. */
export const NATS_SIGNALS = {
  stream: z.object({ name: z.literal('stream'), actor, data: chunk }),
  typing: z.object({ name: z.literal('typing'), actor, data: typing }),
  cancel: z.object({ name: z.literal('cancel'), user: ANSWER_SCHEMAS.User, data: cancel, at: time }),
} as const;

export const RECEIPT = z.object({
  sessionId: field.id,
  seqs: z.array(z.tuple([seq, seq])).describe('ranges, from and to inclusive'),
  publishedAt: time,
  persistedAt: time,
});
