import { z } from 'zod';
import { ID_PATTERN, IDEMPOTENCY_KEY_PATTERN, TENANT_PATTERN, USER_ID_PATTERN } from '../core/ids.ts';
import { BODY_BYTES_MAX, SEQ_MAX } from '../core/limits.ts';
import type { Event, MessageRole, MessageStatus, Metadata } from '../core/types.ts';
import type { Accepted } from './answers.ts';
import { inboundSignal } from './backend.ts';
import type { Problem } from './problem.ts';

/** What edge and consumers say to each other; never public. Versioned, for both sides are deployed apart. */

const seq = z.int().min(1).max(SEQ_MAX);
const range = z.tuple([seq, seq]);
const sessionRef = { tenant: z.string().regex(TENANT_PATTERN), sessionId: z.string().regex(ID_PATTERN) };

/** sessions in one receipts call */
export const RECEIPT_SESSIONS_MAX = 500;
export const RECEIPT_RANGES_MAX = 1_000;
export const FAILURES_MAX = 100;

const failure = z.strictObject({
  seq,
  code: z.string().max(64),
  detail: z.string().max(1_000),
  consumer: z.string().max(64),
  at: z.int(),
});
export type Failure = z.infer<typeof failure>;

/** POST /internal/receipts, signed; published and persisted are epoch milliseconds. */
export const receipt = z.strictObject({
  ...sessionRef,
  seqs: z.array(range).max(RECEIPT_RANGES_MAX),
  publishedAt: z.int(),
  persistedAt: z.int(),
  /** events that became dead letters: they leave the outbox, stay readable, and their commands are `failed` */
  failures: z.array(failure).max(FAILURES_MAX).optional(),
});
export const receiptsRequest = z.strictObject({
  v: z.literal(1),
  receipts: z.array(receipt).min(1).max(RECEIPT_SESSIONS_MAX),
  /** said by an embedded store only, which takes no more than a limit of the edge (contract §6) */
  embedded: z.strictObject({ messages: z.int().min(0) }).optional(),
});
export type Receipt = z.infer<typeof receipt>;
export type ReceiptsRequest = z.infer<typeof receiptsRequest>;
/** the answer: the sessions whose receipt was not taken; the sender keeps those and tries again */
export interface ReceiptsAnswer {
  failed: { tenant: string; sessionId: string }[];
}

/** commands in one call of the relay, one of a session each */
export const COMMANDS_MAX = 32;
/** the body of a call: a command of 1 MiB and its JSON escapes fit; over it 413 */
export const COMMANDS_CALL_BYTES_MAX = 4 * 1024 * 1024;

/**
 * POST /internal/commands, signed: commands of backends. The payload is passed on as it came, so that the edge is the door that
 * judges it and an unsound one spoils none of the others. The key makes every call, and every repetition of one, harmless.
 */
export const commandsRequest = z.strictObject({
  v: z.literal(1),
  commands: z
    .array(
      z.strictObject({
        ...sessionRef,
        idempotencyKey: z.string().regex(IDEMPOTENCY_KEY_PATTERN),
        payload: z.string().max(BODY_BYTES_MAX),
      }),
    )
    .min(1)
    .max(COMMANDS_MAX),
});
export type CommandsRequest = z.infer<typeof commandsRequest>;
export type RelayedCommand = CommandsRequest['commands'][number];

/** - `later`: nothing happened that anybody was told of; the same command, with its key, after `retryAfterMs` */
export type CommandOutcome =
  | { kind: 'accepted'; result: Accepted; replayed?: true }
  | { kind: 'refused'; problem: Problem }
  | { kind: 'later'; problem: Problem };

/** one outcome per command, in their order */
export interface CommandsAnswer {
  outcomes: CommandOutcome[];
}

export const SIGNAL_SESSIONS_MAX = 100;
/** signals of one session in one call */
export const SIGNALS_MAX = 500;

/** POST /internal/signals, signed: what backends say for the moment, in the order of its arrival per session. */
export const signalsRequest = z.strictObject({
  v: z.literal(1),
  sessions: z
    .array(z.strictObject({ ...sessionRef, signals: z.array(inboundSignal).min(1).max(SIGNALS_MAX) }))
    .min(1)
    .max(SIGNAL_SESSIONS_MAX),
});
export type SignalsRequest = z.infer<typeof signalsRequest>;
/** the answer: how many signals their sessions did not take; nobody sends them again */
export interface SignalsAnswer {
  lost: number;
}

/** sessions in one call, and users named in one of them; a session with more is there more than once */
export const NOTIFIED_SESSIONS_MAX = 100;
export const NOTIFIED_USERS_MAX = 1_000;

/**
 * POST /internal/notifications, signed: sessions in which something happened, with the users that it names (who was
 * mentioned, added, changed or removed). The Session knows who else is to be told, and what.
 */
export const notificationsRequest = z.strictObject({
  v: z.literal(1),
  sessions: z
    .array(z.strictObject({ ...sessionRef, users: z.array(z.string().regex(USER_ID_PATTERN)).max(NOTIFIED_USERS_MAX) }))
    .max(NOTIFIED_SESSIONS_MAX),
});
export type NotificationsRequest = z.infer<typeof notificationsRequest>;
export type NotifiedSession = NotificationsRequest['sessions'][number];
/** the answer: sessions of which somebody could not be told, and those that the time of the call did not suffice for */
export interface NotificationsAnswer {
  failed: { tenant: string; sessionId: string }[];
  left: { tenant: string; sessionId: string }[];
}

/** events in one answer, each of EVENT_BYTES_MAX at most */
export const EVENTS_AT_MAX = 4;

/** POST /internal/events, signed: events as they are now, for whoever has an old copy of one. Those that never were are left out. */
export const eventsAtRequest = z.strictObject({ v: z.literal(1), ...sessionRef, seqs: z.array(seq).min(1).max(EVENTS_AT_MAX) });
export type EventsAtRequest = z.infer<typeof eventsAtRequest>;
export interface EventsAtAnswer {
  events: Event[];
}

/** header of a signed internal call: hex HMAC-SHA256 over `${timestamp}.${body}` with INTERNAL_SECRET */
export const SIGNATURE_HEADER = 'Millrace-Signature';
/** header with the epoch milliseconds that were signed; refused when further than this from now */
export const TIMESTAMP_HEADER = 'Millrace-Timestamp';
export const SIGNATURE_AGE_MS_MAX = 300_000;

/** rows asked for by key in one query */
export const QUERY_SEQS_MAX = 1_000;

/** events looked for in one question about the stream */
export const STREAM_EVENTS_MAX = 256;

/** A question to `query`, sent as JSON over NATS request and reply (QUERY_SUBJECT). */
export const queryRequest = z.discriminatedUnion('op', [
  z.strictObject({ v: z.literal(1), op: z.literal('health') }),
  /** whole events from the archive, from…to, in order, cut at maxBytes */
  z.strictObject({ v: z.literal(1), op: z.literal('events'), ...sessionRef, from: seq, to: seq, maxBytes: z.int().positive() }),
  /** whole events from the archive by seq, in the order asked for */
  z.strictObject({ v: z.literal(1), op: z.literal('eventsAt'), ...sessionRef, seqs: z.array(seq).max(QUERY_SEQS_MAX) }),
  /** message rows by the seq of their message.created */
  z.strictObject({ v: z.literal(1), op: z.literal('messages'), ...sessionRef, seqs: z.array(seq).max(QUERY_SEQS_MAX) }),
  /** which of these seqs the archive holds: the repair of lost receipts */
  z.strictObject({ v: z.literal(1), op: z.literal('held'), ...sessionRef, ranges: z.array(range).max(QUERY_SEQS_MAX) }),
  /** where these events are that the archive did not hold: still in the stream, or nowhere (design decision 3) */
  z.strictObject({
    v: z.literal(1),
    op: z.literal('inStream'),
    ...sessionRef,
    events: z
      .array(z.strictObject({ seq, id: z.string().regex(ID_PATTERN) }))
      .min(1)
      .max(STREAM_EVENTS_MAX),
    /** none of them is before this stream sequence; absent: unknown */
    from: z.int().min(1).optional(),
    /** of the stream that `from` speaks of, when known: in another one it says nothing */
    created: z.string().max(64).optional(),
  }),
]);
export type QueryRequest = z.infer<typeof queryRequest>;

/** A message as the store keeps it, addressed by seq. `version` is the clock of the event that last wrote it. */
export interface StoredMessage {
  id: string;
  seq: number;
  author: string;
  role: MessageRole;
  text: string;
  status: MessageStatus;
  toolCallId?: string;
  mentions: readonly string[];
  metadata: Metadata;
  editedAt?: string;
  deletedAt?: string;
  version: string;
}

export type QueryAnswer =
  | { ok: true; op: 'health' }
  | { ok: true; op: 'events'; events: Event[] }
  | { ok: true; op: 'eventsAt'; events: Event[] }
  | { ok: true; op: 'messages'; messages: StoredMessage[] }
  | { ok: true; op: 'held'; ranges: [number, number][]; publishedAt: number; persistedAt: number }
  | InStreamAnswer
  | { ok: false; code: 'unavailable' | 'invalid_request'; detail: string };

/** What is in none of the lists was not looked at: that says nothing about it. */
export interface InStreamAnswer {
  ok: true;
  op: 'inStream';
  /** seqs that the stream holds and that are still to come to the archive */
  held: number[];
  /** seqs that neither the stream holds, beyond what was acknowledged for the archive, nor the archive, nor the dead letters */
  absent: number[];
  /** what the archive had by now: as good as a receipt */
  archived: { ranges: [number, number][]; publishedAt: number; persistedAt: number };
  /** those that are dead letters */
  buried: Failure[];
  /** the look ended at its bound, at this stream sequence: ask for the rest from behind it */
  lookedTo?: number;
  /** of the stream that was looked at */
  created: string;
  /** an event published again within it is taken for a repetition, and not stored */
  duplicateWindowMs: number;
}

/** The answer to a question after the parts behind the edge (HEALTH_SUBJECT), which has no fields of its own. */
export const partsAnswer = z.object({
  ok: z.literal(true),
  op: z.literal('parts'),
  parts: z.record(z.string(), z.enum(['ok', 'unavailable'])),
});
export type PartsAnswer = z.infer<typeof partsAnswer>;
