import { z } from 'zod';
import { SEQ_MAX } from '../core/limits.ts';
import type { Event } from '../core/types.ts';
import type { Accepted } from './answers.ts';
import type { Problem } from './problem.ts';

/** WebSocket frames of the session socket (contract §4). */
export { SUBPROTOCOL, TICKET_PROTOCOL_PREFIX } from '../core/subprotocol.ts';

/**
 * What is not kept: lost with the moment, and never in the log. `at` is RFC 3339 UTC with milliseconds.
 *
 * `stream` {messageId, index, lastIndex, text}: the chunks from `index` to `lastIndex` as one text. The next frame of a message
 * begins at `lastIndex + 1`, or at 0: then it is the whole text so far and replaces what was shown (who joins, comes back or
 * was there while the session slept gets that), with {role, name?, parentId?} of the message to come. The event
 * message.created of that id ends it, and its text is the one that counts.
 * `typing` {active}: over after 10 s without another, should `active: false` be lost.
 */
export interface SignalFrame {
  type: 'signal';
  name: 'typing' | 'presence' | 'read' | 'stream' | 'cancel';
  /** whom it is about */
  user: { id: string; name?: string; kind: string };
  data: object;
  at: string;
}

export type ServerFrame =
  | SignalFrame
  | {
      type: 'welcome';
      protocol: 1;
      sessionId: string;
      epoch: string;
      head: number;
      from: number;
      recovered: boolean;
      readSeq: number;
      user: { id: string; name?: string; kind: string };
      heartbeatMs: number;
      window: { events: number; bytes: number };
      expiresAt: string;
    }
  | { type: 'events'; events: Event[] }
  | { type: 'ack'; id: string; result: Accepted; replayed?: true }
  | { type: 'reject'; id: string; error: Problem };

/** What a client may signal. `data` with more in it, or of another shape, is dropped: a signal has nobody to answer to. */
export const clientSignal = z.discriminatedUnion('name', [
  z.object({ name: z.literal('typing'), data: z.strictObject({ active: z.boolean() }) }),
  z.object({ name: z.literal('presence'), data: z.strictObject({ status: z.enum(['online', 'away']) }) }),
]);

const frameId = z.string().min(1).max(128);

/** The frame's own shape: failing it closes 4400; what is inside a command is judged by the catalogue and rejected. */
export const clientFrame = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('command'),
    id: frameId,
    command: z.unknown(),
    // a missing `data` is `{}`, as a missing body is
    data: z.unknown().optional(),
    // what is bad in these is rejected like bad data, or ignored like a bad header: the frame itself is sound
    idempotencyKey: z.unknown().optional(),
    correlationId: z.unknown().optional(),
    traceparent: z.unknown().optional(),
    actor: z.unknown().optional(),
  }),
  // what it says is for clientSignal to judge: a signal that means nothing here is dropped, and its socket stays
  z.object({ type: z.literal('signal'), name: z.unknown().optional(), data: z.unknown().optional() }),
  z.object({ type: z.literal('received'), seq: z.int().min(0).max(SEQ_MAX) }),
  z.object({ type: z.literal('renew'), ticket: z.string().max(256) }),
]);

export type ClientFrame = z.infer<typeof clientFrame>;

/** What the inbox socket takes: it goes on with a fresh ticket of its own. Anything else closes 4400. */
export const inboxClientFrame = z.object({ type: z.literal('renew'), ticket: z.string().max(512) });
