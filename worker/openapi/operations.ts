import type { ErrorCode } from '../../shared/core/codes.ts';
import {
  EVENTS_PAGE_DEFAULT,
  EVENTS_PAGE_MAX,
  MEMBERS_PAGE_DEFAULT,
  MEMBERS_PAGE_MAX,
  MESSAGES_PAGE_DEFAULT,
  MESSAGES_PAGE_MAX,
  PRESENCE_PAGE_DEFAULT,
  PRESENCE_PAGE_MAX,
  SEQ_MAX,
  SESSIONS_PAGE_DEFAULT,
  SESSIONS_PAGE_MAX,
} from '../../shared/core/limits.ts';
import type { AnswerName } from './answer-schemas.ts';

export interface QueryParameter {
  name: string;
  description: string;
  schema: object;
}

/** An operation that is not a command. */
export interface Operation {
  method: 'get' | 'post';
  path: string;
  operationId: string;
  tag: string;
  summary: string;
  description?: string;
  query?: QueryParameter[];
  headers?: QueryParameter[];
  status: number;
  answer?: AnswerName;
  /** a body that is no JSON of the answers' */
  mediaType?: string;
  /** a media type that it answers in besides, when asked for */
  alsoAs?: string;
  /** beyond those that every call of its kind has */
  problems: ErrorCode[];
  open?: boolean;
}

const cursor = (name: string, description: string): QueryParameter => ({ name, description, schema: { type: 'string' } });
const whole = (name: string, description: string, minimum: number, maximum: number, absent: number): QueryParameter => ({
  name,
  description,
  schema: { type: 'integer', minimum, maximum, default: absent },
});
const limit = (max: number, absent: number) => whole('limit', 'How many at most; a page may be shorter.', 1, max, absent);

const BOTH_KINDS = 'A page may be shorter than limit (at most 512 KiB): only nextCursor says that there is more.';
const HEAD =
  'What is no longer at the edge is read from the history store; while that is out of reach the answer is 503 unavailable.';

const STREAM =
  'With `Accept: text/event-stream` the same as server-sent events that go on: `id` is the seq, `data` the event; a comment comes ' +
  'every 15 s; the end is `event: close` with `data: {code, reason}`, a close code of the socket.';

const REV = whole('after', 'rev of what is known; absent: nothing. A rev from the future counts as 0.', 0, 9_999_999_999, 0);

/** What concerns one user and all of its sessions. */
const INBOX_OPERATIONS: readonly Operation[] = [
  {
    method: 'get',
    path: '/v1/sessions',
    operationId: 'sessions.list',
    tag: 'Sessions',
    summary: "The caller's sessions, newest activity first",
    description:
      'Every event of a session is activity. Archived sessions stay, deleted and left ones go. A session that becomes active ' +
      'while you page moves to the front and is on the first page then; no page repeats another. `unread` counts the messages, ' +
      'deleted ones included, after the read pointer and after the own last message; `mentions` those of them that are not ' +
      'deleted and mention the caller. 100 means "100 or more". A page may be shorter than limit: only nextCursor says that there is more. ' +
      HEAD,
    query: [cursor('cursor', 'nextCursor of the page before'), limit(SESSIONS_PAGE_MAX, SESSIONS_PAGE_DEFAULT)],
    status: 200,
    answer: 'SessionsPage',
    problems: ['invalid_request'],
  },
  {
    method: 'get',
    path: '/v1/inbox',
    operationId: 'inbox.get',
    tag: 'Inbox',
    summary: 'What changed for the caller, session by session',
    description: 'At most 500 items; `more` says that others follow after `rev`.',
    query: [REV],
    status: 200,
    answer: 'Inbox',
    problems: ['invalid_request'],
  },
  {
    method: 'post',
    path: '/v1/inbox/tickets',
    operationId: 'inbox.ticket',
    tag: 'Inbox',
    summary: 'A ticket for one connection to the inbox socket, good for 30 s',
    status: 201,
    answer: 'Ticket',
    problems: ['invalid_request', 'payload_too_large', 'unsupported_media_type', 'rate_limited'],
  },
  {
    method: 'get',
    path: '/v1/inbox/socket',
    operationId: 'inbox.open',
    tag: 'Inbox',
    summary: 'Upgrade to the inbox socket',
    description:
      'Subprotocols `millrace.v1, ticket.{ticket}`, or an Authorization header. Every frame is what GET /v1/inbox answers; the first ' +
      'comes at once. A client sends `{type: "renew", ticket}` and the bare text `ping`, nothing else. Close codes as on the session socket.',
    query: [REV],
    status: 101,
    problems: ['invalid_request', 'origin_not_allowed', 'upgrade_required', 'rate_limited'],
  },
];

/** Queries (contract §2), tickets and socket (§4), and what needs no token. */
export const OPERATIONS: readonly Operation[] = [
  ...INBOX_OPERATIONS,
  {
    method: 'get',
    path: '/v1/sessions/{s}',
    operationId: 'session.get',
    tag: 'Sessions',
    summary: 'A session',
    status: 200,
    answer: 'Session',
    problems: ['session_not_found'],
  },
  {
    method: 'get',
    path: '/v1/sessions/{s}/members',
    operationId: 'members.list',
    tag: 'Members',
    summary: 'The members of a session',
    query: [cursor('cursor', 'nextCursor of the page before'), limit(MEMBERS_PAGE_MAX, MEMBERS_PAGE_DEFAULT)],
    status: 200,
    answer: 'MembersPage',
    problems: ['session_not_found'],
  },
  {
    method: 'get',
    path: '/v1/sessions/{s}/presence',
    operationId: 'presence.list',
    tag: 'Members',
    summary: 'Who is here now, over all their devices',
    description:
      'In the order of user ids. Somebody is online with the first socket, and offline within 60 s after the last closed. Above 1,000 ' +
      'members changes are not signalled: ask again.',
    query: [cursor('cursor', 'nextCursor of the page before'), limit(PRESENCE_PAGE_MAX, PRESENCE_PAGE_DEFAULT)],
    status: 200,
    answer: 'PresencePage',
    problems: ['invalid_request', 'session_not_found'],
  },
  {
    method: 'get',
    path: '/v1/sessions/{s}/messages',
    operationId: 'messages.list',
    tag: 'Messages',
    summary: 'A page of messages, newest first',
    description: `${BOTH_KINDS} ${HEAD}`,
    query: [
      limit(MESSAGES_PAGE_MAX, MESSAGES_PAGE_DEFAULT),
      cursor('before', 'nextCursor: the next older page. Not together with after.'),
      cursor('after', 'previousCursor: the next newer page. Not together with before.'),
      cursor('parentId', 'one thread: the replies to this message'),
    ],
    status: 200,
    answer: 'MessagesPage',
    problems: ['session_not_found', 'message_not_found'],
  },
  {
    method: 'get',
    path: '/v1/sessions/{s}/messages/{m}',
    operationId: 'message.get',
    tag: 'Messages',
    summary: 'A message',
    description: HEAD,
    status: 200,
    answer: 'Message',
    problems: ['session_not_found', 'message_not_found'],
  },
  {
    method: 'get',
    path: '/v1/sessions/{s}/commands/{c}',
    operationId: 'command.get',
    tag: 'Commands',
    summary: 'How far a command has come',
    description: 'For its sender, owners and admins; kept for at least 7 days.',
    status: 200,
    answer: 'CommandStatus',
    problems: ['session_not_found', 'not_found'],
  },
  {
    method: 'get',
    path: '/v1/sessions/{s}/events',
    operationId: 'events.list',
    tag: 'Events',
    summary: 'Catch-up: the events after a seq',
    description: `${HEAD} A page has at most 512 KiB; read on from its last seq until head. ${STREAM}`,
    query: [
      whole('after', 'seq of the last event known', 0, SEQ_MAX, 0),
      cursor('epoch', 'epoch in which after was learnt; 409 epoch_changed when it is another now'),
      limit(EVENTS_PAGE_MAX, EVENTS_PAGE_DEFAULT),
      whole('wait', 'ms to wait for an event when there is none yet: a long poll', 0, 30_000, 0),
      { name: 'signals', description: 'server-sent events only: `1` adds `event: signal`', schema: { enum: ['0', '1'] } },
    ],
    headers: [
      {
        name: 'Last-Event-ID',
        description: 'Server-sent events only: the seq of the last event known; wins over after.',
        schema: { type: 'integer', minimum: 0, maximum: SEQ_MAX },
      },
    ],
    alsoAs: 'text/event-stream',
    status: 200,
    answer: 'EventsPage',
    problems: ['session_not_found', 'epoch_changed', 'rate_limited'],
  },
  {
    method: 'post',
    path: '/v1/sessions/{s}/tickets',
    operationId: 'ticket.issue',
    tag: 'Socket',
    summary: 'A ticket for one WebSocket connection, good for 30 s',
    status: 201,
    answer: 'Ticket',
    problems: ['session_not_found', 'payload_too_large', 'unsupported_media_type', 'rate_limited'],
  },
  {
    method: 'get',
    path: '/v1/sessions/{s}/socket',
    operationId: 'socket.open',
    tag: 'Socket',
    summary: 'Upgrade to the session socket',
    description: 'Subprotocols `millrace.v1, ticket.{ticket}`, or an Authorization header.',
    query: [
      whole('after', 'seq of the last event known; absent: from the head on', 0, SEQ_MAX, 0),
      cursor('epoch', 'epoch in which after was learnt'),
    ],
    status: 101,
    problems: ['origin_not_allowed', 'session_not_found', 'upgrade_required', 'rate_limited'],
  },
  {
    method: 'get',
    path: '/healthz',
    operationId: 'health.live',
    tag: 'Operation',
    summary: 'Liveness',
    status: 200,
    answer: 'Health',
    problems: [],
    open: true,
  },
  {
    method: 'get',
    path: '/readyz',
    operationId: 'health.ready',
    tag: 'Operation',
    summary: 'Readiness of each part; 503 with the same body when one is not',
    status: 200,
    answer: 'Readiness',
    problems: [],
    open: true,
  },
  {
    method: 'get',
    path: '/v1/openapi.json',
    operationId: 'documents.openapi',
    tag: 'Documents',
    summary: 'This document',
    status: 200,
    mediaType: 'application/json',
    problems: [],
    open: true,
  },
  {
    method: 'get',
    path: '/v1/asyncapi.json',
    operationId: 'documents.asyncapi',
    tag: 'Documents',
    summary: 'The AsyncAPI document of sockets and NATS subjects',
    status: 200,
    mediaType: 'application/json',
    problems: [],
    open: true,
  },
  {
    method: 'get',
    path: '/docs',
    operationId: 'documents.page',
    tag: 'Documents',
    summary: 'A page to read it',
    status: 200,
    mediaType: 'text/html',
    problems: [],
    open: true,
  },
  {
    method: 'get',
    path: '/schemas/{type}/{version}',
    operationId: 'documents.schema',
    tag: 'Documents',
    summary: 'JSON Schema of an event type',
    status: 200,
    mediaType: 'application/schema+json',
    problems: ['not_found'],
    open: true,
  },
];
