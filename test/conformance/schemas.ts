import { z } from 'zod';

/** Every shape of the public contract, written from its text alone and strict: a field more is a finding. */

export const time = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
export const id = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);
export const userId = z.string().regex(/^[^/\s]{1,128}$/);
const uuidV7 = z.string().regex(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
const seq = z
  .int()
  .min(0)
  .max(2 ** 31 - 1);
const metadata = z.record(z.string(), z.unknown());
const kind = z.enum(['user', 'agent', 'system']);
const memberRole = z.enum(['owner', 'member', 'viewer']);
const messageRole = z.enum(['user', 'assistant', 'system', 'tool']);
const messageStatus = z.enum(['completed', 'cancelled', 'failed']);
const visibility = z.enum(['private', 'public']);

export const problemStatus = {
  invalid_request: 400,
  message_empty: 400,
  message_too_long: 400,
  unauthenticated: 401,
  forbidden: 403,
  origin_not_allowed: 403,
  session_not_found: 404,
  message_not_found: 404,
  trace_not_found: 404,
  stream_not_found: 404,
  member_not_found: 404,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  session_archived: 409,
  last_owner: 409,
  stream_gap: 409,
  stream_ended: 409,
  epoch_changed: 409,
  session_full: 409,
  payload_too_large: 413,
  unsupported_media_type: 415,
  idempotency_key_reused: 422,
  rate_limited: 429,
  internal: 500,
  overloaded: 503,
  unavailable: 503,
} as const;
export type ProblemCode = keyof typeof problemStatus;

const problemFields = {
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.enum(Object.keys(problemStatus) as [ProblemCode, ...ProblemCode[]]),
  correlationId: z.string(),
  errors: z.array(z.strictObject({ path: z.string(), message: z.string() })).optional(),
  expectedIndex: z.int().min(0).optional(),
};
export const problem = z.strictObject(problemFields);
/** on a socket `retryAfterMs` stands for Retry-After; from NATS it may too */
export const socketProblem = z.strictObject({ ...problemFields, retryAfterMs: z.int().min(0).optional() });
export type Problem = z.infer<typeof socketProblem>;

export const result = z.strictObject({
  commandId: id,
  sessionId: id,
  seq,
  eventId: uuidV7.nullable(),
  entityId: z.string().min(1),
  correlationId: z.string().min(1),
  acceptedAt: time,
  unchanged: z.literal(true).optional(),
});
export type Result = z.infer<typeof result>;

export const commandStatus = z.strictObject({
  commandId: id,
  type: z.string(),
  status: z.enum(['accepted', 'published', 'persisted', 'failed']),
  seq,
  eventId: uuidV7,
  acceptedAt: time,
  publishedAt: time.optional(),
  persistedAt: time.optional(),
  failure: z.strictObject({ code: z.string(), detail: z.string(), consumer: z.string(), at: time }).optional(),
});

export const session = z.strictObject({
  id,
  title: z.string().min(1).max(200),
  description: z.string(),
  visibility,
  status: z.enum(['active', 'archived']),
  role: memberRole.optional(),
  memberCount: z.int().min(1),
  head: seq,
  epoch: z.string().min(1),
  createdAt: time,
  updatedAt: time,
  metadata,
});

const person = z.strictObject({ id: userId, name: z.string().optional(), kind });

export const message = z.strictObject({
  id,
  sessionId: id,
  seq: seq.min(1),
  author: person,
  role: messageRole,
  name: z.string().optional(),
  text: z.string(),
  status: messageStatus,
  parentId: id.optional(),
  replyCount: z.int().min(0),
  toolCallId: z.string().optional(),
  mentions: z.array(userId).max(50),
  reactions: z.array(
    z.strictObject({ emoji: z.string(), count: z.int().min(1), mine: z.boolean(), userIds: z.array(userId).min(1).max(20) }),
  ),
  createdAt: time,
  editedAt: time.optional(),
  deletedAt: time.optional(),
  metadata,
  attachments: z.tuple([]),
});
export type Message = z.infer<typeof message>;

export const messagePage = z.strictObject({
  items: z.array(message),
  nextCursor: z.string().optional(),
  previousCursor: z.string(),
});

export const memberPage = z.strictObject({
  items: z.array(z.strictObject({ user: person, role: memberRole, joinedAt: time, readSeq: seq })),
  nextCursor: z.string().optional(),
});

export const presencePage = z.strictObject({
  items: z.array(z.strictObject({ user: person, status: z.enum(['online', 'away']), devices: z.int().min(1), since: time })),
});

export const searchPage = z.strictObject({
  items: z.array(z.strictObject({ message, highlight: z.string().min(1), score: z.number() })),
  total: z.int().min(0),
  nextCursor: z.string().optional(),
  asOf: time,
});
export type SearchPage = z.infer<typeof searchPage>;

const count = z.int().min(0).max(100);
export const sessionPage = z.strictObject({
  items: z.array(z.strictObject({ session, lastMessage: message.optional(), unread: count, mentions: z.int().min(0) })),
  nextCursor: z.string().optional(),
});

export const inboxFrame = z.strictObject({
  type: z.literal('inbox'),
  rev: z.int().min(0),
  items: z.array(
    z.strictObject({
      sessionId: id,
      unread: count,
      mentions: z.int().min(0),
      head: seq,
      role: memberRole.optional(),
      removed: z.boolean().optional(),
    }),
  ),
});

export const ticket = z.strictObject({ ticket: z.string().regex(/^[A-Za-z0-9_-]{16,}$/), expiresAt: time });

const span = z.strictObject({
  spanId: id,
  parentSpanId: id.optional(),
  name: z.string(),
  kind: z.enum(['agent', 'tool', 'model', 'other']).optional(),
  status: z.string().optional(),
  startedAt: time,
  endedAt: time.optional(),
  input: z.unknown().optional(),
  output: z.unknown().optional(),
  metadata: metadata.optional(),
});

/** The contract names Trace without its fields: what is asked for here is what its events say, and no other names are refused. */
export const trace = z.looseObject({ id, name: z.string(), metadata });

const erased = z.strictObject({ id: z.string(), erased: z.literal(true) });

const sessionData = z.strictObject({ title: z.string(), description: z.string(), visibility, metadata });
const memberData = z.strictObject({ userId, role: memberRole });
const reactionData = z.strictObject({ messageId: id, messageSeq: seq, emoji: z.string(), userId });
const messageRow = {
  id,
  messageSeq: seq,
  author: userId,
  role: messageRole,
  name: z.string().optional(),
  parentId: id.optional(),
  mentions: z.array(userId),
  createdAt: time,
};
const empty = z.strictObject({});

export const dataByType = {
  'session.created': sessionData.extend({ members: z.array(memberData) }),
  'session.updated': sessionData,
  'session.archived': empty,
  'session.restored': empty,
  'session.deleted': empty,
  'member.added': memberData,
  'member.updated': memberData,
  'member.removed': memberData,
  'message.created': z.strictObject({
    id,
    ordinal: z.int().min(1),
    text: z.string(),
    status: messageStatus,
    role: messageRole,
    name: z.string().optional(),
    parentId: id.optional(),
    toolCallId: z.string().optional(),
    mentions: z.array(userId),
    metadata,
    createdAt: time,
    // an addition to the contract: of a message that was streamed
    streamedMs: z.int().min(0).optional(),
  }),
  'message.updated': z.strictObject({ ...messageRow, text: z.string() }),
  // an addition to the contract: which events the deletion covers
  'message.deleted': z.strictObject({ ...messageRow, updatedSeqs: z.array(seq).optional() }),
  'reaction.added': reactionData,
  'reaction.removed': reactionData,
  'trace.started': z.strictObject({ id, name: z.string(), metadata }),
  'trace.span': z.strictObject({ traceId: id, traceSeq: seq, span }),
  'trace.finished': z.strictObject({
    id,
    traceSeq: seq,
    status: z.enum(['completed', 'failed']),
    error: z.unknown().optional(),
    durationMs: z.number().min(0),
  }),
  'trace.purged': z.strictObject({
    id,
    traceSeq: seq,
    // additions, as with message.deleted
    spanSeqs: z.array(seq).optional(),
    finishedSeq: seq.optional(),
  }),
} as const;
export type EventType = keyof typeof dataByType;

const ERASABLE = /^(?:session\.(?!deleted)|member\.|message\.|reaction\.|trace\.)/;

export const event = z
  .strictObject({
    specversion: z.literal('1.0'),
    id: uuidV7,
    source: z.string(),
    type: z.enum(Object.keys(dataByType) as [EventType, ...EventType[]]),
    subject: z.string().min(1),
    time,
    datacontenttype: z.literal('application/json'),
    dataschema: z.url(),
    tenant: z.string().regex(/^[a-z0-9-]{1,32}$/),
    sessionid: id,
    seq: seq.min(1),
    clock: z.string().regex(/^[1-9]\d{15,}$/),
    actor: userId,
    actorkind: kind,
    actorname: z.string().optional(),
    correlationid: z.string().min(1),
    causationid: id,
    traceparent: z.string().optional(),
    data: z.unknown(),
  })
  .check(({ value, issues }) => {
    const gone = erased.safeParse(value.data);
    if (gone.success && ERASABLE.test(value.type) && gone.data.id === value.subject) return;
    const data = dataByType[value.type].safeParse(value.data);
    if (!data.success)
      issues.push({ code: 'custom', input: value.data, message: `${value.type}: ${z.prettifyError(data.error)}` });
    if (value.source !== `/sessions/${value.sessionid}`)
      issues.push({ code: 'custom', input: value.source, message: 'source is not the session' });
  });
export type WireEvent = z.infer<typeof event>;

export const eventPage = z.strictObject({ items: z.array(event), head: seq, epoch: z.string().min(1) });
