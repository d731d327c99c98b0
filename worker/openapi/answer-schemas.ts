import { z } from 'zod';
import type {
  Accepted,
  CommandStatus,
  InboxAnswer,
  InboxItem,
  MemberAnswer,
  MessageAnswer,
  PresenceAnswer,
  SearchPage,
  SessionAnswer,
  SessionsItem,
  SpanAnswer,
  TraceAnswer,
  TraceDetail,
  UserAnswer,
} from '../../shared/contract/answers.ts';
import {
  ADMIN_RESULTS,
  adminLogLine,
  deadLetter,
  deadLetterDetail,
  redriveReport,
  sessionAudit,
} from '../../shared/contract/admin.ts';
import { consumersPage, overview, pauseState, rebuildProgress } from '../../shared/contract/system.ts';
import { analyticsPage } from '../../shared/contract/analytics.ts';
import { EVENT_SCHEMAS, EVENT_TYPES } from '../../shared/contract/event-schema.ts';
import * as field from '../../shared/contract/fields.ts';
import { ERROR_CODES } from '../../shared/core/codes.ts';
import { INBOX_COUNT_MAX, SEARCH_TOTAL_MAX, SEQ_MAX } from '../../shared/core/limits.ts';

/** What clients get, as schemas for the document. The types keep them true to shared/contract/answers.ts. */
const time = z.iso.datetime().describe('RFC 3339, UTC, milliseconds');
const seq = z.int().min(0).max(SEQ_MAX);
const metadata = z.record(z.string(), z.unknown());
const commandId = z.string().min(1).max(128);

/** An optional member of an answer is absent or there, never undefined: what JSON can say. */
type Exactly<T> = z.ZodType<{ [K in keyof T]: T[K] }>;

const user = z.object({ id: field.userId, name: z.string().exactOptional(), kind: z.enum(['user', 'agent', 'system']) });

const accepted = z.object({
  commandId,
  sessionId: field.id,
  seq,
  eventId: z.string().nullable().describe('null when nothing changed'),
  entityId: z.string(),
  correlationId: z.string(),
  acceptedAt: time,
  unchanged: z.literal(true).exactOptional(),
});

const commandStatus = z.object({
  commandId,
  type: z.string(),
  status: z.enum(['accepted', 'published', 'persisted', 'failed']),
  seq,
  eventId: z.string(),
  acceptedAt: time,
  publishedAt: time.exactOptional(),
  persistedAt: time.exactOptional(),
  failure: z.object({ code: z.string(), detail: z.string(), consumer: z.string(), at: time }).exactOptional(),
});

const session = z.object({
  id: field.id,
  title: z.string(),
  description: z.string(),
  visibility: field.visibility,
  status: z.enum(['active', 'archived']),
  role: field.memberRole.exactOptional(),
  memberCount: z.int().min(0),
  head: seq,
  epoch: z.string(),
  createdAt: time,
  updatedAt: time,
  metadata,
});

const member = z.object({ user, role: field.memberRole, joinedAt: time, readSeq: seq });

const present = z.object({
  user,
  status: z.enum(['online', 'away']).describe('over all devices: away when all of them are'),
  devices: z.int().min(0).describe('open sockets; 0 for the moment after the last one closed'),
  since: time,
});

const reaction = z.object({ emoji: z.string(), count: z.int(), mine: z.boolean(), userIds: z.array(field.userId) });

const message = z.object({
  id: field.id,
  sessionId: field.id,
  seq,
  author: user,
  role: field.messageRole,
  name: z.string().exactOptional(),
  text: z.string().describe('empty once deleted'),
  status: z.enum(['completed', 'cancelled', 'failed']),
  parentId: field.id.exactOptional(),
  replyCount: z.int().min(0),
  toolCallId: z.string().exactOptional(),
  mentions: z.array(field.userId),
  reactions: z.array(reaction),
  createdAt: time,
  editedAt: time.exactOptional(),
  deletedAt: time.exactOptional(),
  metadata,
  attachments: z.array(z.never()),
});

const traceFields = {
  id: field.id,
  sessionId: field.id,
  seq,
  author: user,
  name: z.string(),
  status: z.enum(['running', 'completed', 'failed']),
  startedAt: time,
  finishedAt: time.exactOptional(),
  durationMs: z.int().min(0).exactOptional().describe('from start to finish, once finished'),
  error: z.string().exactOptional(),
  metadata,
  spanCount: z.int().min(0),
};
const trace = z.object(traceFields);

const span = z.object({
  spanId: field.id,
  seq: seq.describe('of its first trace.span: spans come in this order'),
  parentSpanId: field.id.exactOptional().describe('may name a span that has not come'),
  name: z.string(),
  kind: field.spanKind,
  status: z.string().exactOptional(),
  startedAt: time,
  endedAt: time.exactOptional(),
  durationMs: z.int().min(0).exactOptional().describe('from startedAt to endedAt'),
  input: z.unknown().exactOptional(),
  output: z.unknown().exactOptional(),
  metadata,
});

const traceDetail = z.object({ ...traceFields, spans: z.array(span), nextCursor: z.string().exactOptional() });

const count = z.int().min(0).max(INBOX_COUNT_MAX).describe('100 means 100 or more');

const sessionsItem = z.object({ session, lastMessage: message.exactOptional(), unread: count, mentions: count });

const inboxItem = z.object({
  sessionId: field.id,
  unread: count,
  mentions: count,
  head: seq,
  role: field.memberRole.exactOptional(),
  removed: z.literal(true).exactOptional(),
});

const inbox = z.object({
  type: z.literal('inbox'),
  rev: z.int().min(0).describe('send it as `after` when coming back'),
  items: z.array(inboxItem satisfies Exactly<InboxItem>),
  more: z.literal(true).exactOptional().describe('others follow: by socket in the next frame, over HTTP after rev'),
});

const searchPage = z.object({
  items: z.array(
    z.object({
      message,
      highlight: z
        .string()
        .describe('HTML: the part of the text that was found, with what was looked for in `<mark>`; all else is escaped'),
      score: z.number().describe('higher is better; comparable within one search only'),
    }),
  ),
  total: z.int().min(0).max(SEARCH_TOTAL_MAX).describe('10,000 means 10,000 or more'),
  nextCursor: z.string().exactOptional(),
  asOf: time.describe('the index has all events that were published until then'),
});

const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.enum(Object.keys(ERROR_CODES) as [keyof typeof ERROR_CODES]),
  correlationId: z.string(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  expectedIndex: z.int().min(0).optional().describe('of stream_gap: the index of the chunk that comes next'),
});

const event = z.union(EVENT_TYPES.map((type) => EVENT_SCHEMAS[type]) as [z.ZodType, z.ZodType]);
const part = z.object({ status: z.enum(['ok', 'unavailable']) });

export const ANSWER_SCHEMAS = {
  Accepted: accepted satisfies Exactly<Accepted>,
  CommandStatus: commandStatus satisfies Exactly<CommandStatus>,
  Session: session satisfies Exactly<SessionAnswer>,
  User: user satisfies Exactly<UserAnswer>,
  MembersPage: z.object({ items: z.array(member satisfies Exactly<MemberAnswer>), nextCursor: z.string().optional() }),
  PresencePage: z.object({ items: z.array(present satisfies Exactly<PresenceAnswer>), nextCursor: z.string().optional() }),
  Message: message satisfies Exactly<MessageAnswer>,
  MessagesPage: z.object({ items: z.array(message), nextCursor: z.string().optional(), previousCursor: z.string() }),
  Trace: traceDetail satisfies Exactly<TraceDetail>,
  Span: span satisfies Exactly<SpanAnswer>,
  TracesPage: z.object({ items: z.array(trace satisfies Exactly<TraceAnswer>), nextCursor: z.string().optional() }),
  SessionsPage: z.object({ items: z.array(sessionsItem satisfies Exactly<SessionsItem>), nextCursor: z.string().optional() }),
  SearchPage: searchPage satisfies Exactly<SearchPage>,
  Inbox: inbox satisfies Exactly<InboxAnswer>,
  Event: event,
  EventsPage: z.object({ items: z.array(event), head: seq, epoch: z.string() }),
  Ticket: z.object({ ticket: z.string(), expiresAt: time }),
  AnalyticsPage: analyticsPage,
  DeadLettersPage: z.object({ items: z.array(deadLetter), nextCursor: z.string().optional() }),
  DeadLetter: deadLetterDetail,
  Redriven: ADMIN_RESULTS['deadLetters.redrive'],
  Discarded: ADMIN_RESULTS['deadLetters.discard'],
  RedriveReport: redriveReport.extend({ nextCursor: z.string().optional() }),
  SessionAudit: sessionAudit,
  Overview: overview,
  ConsumersPage: consumersPage,
  PauseState: pauseState,
  Rebuild: rebuildProgress,
  AdminLogPage: z.object({ items: z.array(adminLogLine), nextCursor: z.string().optional() }),
  Health: z.object({ status: z.literal('ok') }),
  Readiness: part.extend({
    parts: z
      .object({ edge: part, uplink: part, history: part, consumers: part })
      .catchall(part)
      .describe('and each `uplink:…`, `stream:…`, `durable:…`, `worker:…` and `store:…` by its name'),
  }),
  Problem: problem,
} as const;

export type AnswerName = keyof typeof ANSWER_SCHEMAS;
