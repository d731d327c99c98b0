import { z } from 'zod';
import {
  CREATE_MEMBERS_MAX,
  MESSAGE_EMOJIS_MAX,
  MESSAGE_REACTIONS_MAX,
  SPAN_UPDATES_MAX,
  STREAMS_RUNNING_MAX,
  TRACE_SPAN_EVENTS_MAX,
} from '../core/limits.ts';
import type { Command, CommandName } from '../core/types.ts';
import * as field from './fields.ts';
import { invalid, type Parsed } from './parse.ts';

/** One row of the catalogue: HTTP routes, socket frames, NATS ingress and the documents derive from it (contract §1). */
export interface CommandSpec {
  method: 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** under /v1, in the form of Hono and OpenAPI templates alike: `{s}` is the session, other names are fields of `data` */
  path: string;
  /** path parameter → field of `data` */
  params: Readonly<Record<string, string>>;
  /** of the HTTP body */
  body: z.ZodObject;
  /** of the path parameters, by field of `data` */
  pathFields: Readonly<Record<string, z.ZodType>>;
  summary: string;
  who: string;
  /** whole sentences that a user of the command should know */
  notes?: string;
}

const member = z.strictObject({ userId: field.userId, role: field.memberRole });

export const CATALOGUE = {
  'session.create': {
    method: 'POST',
    path: '/sessions',
    params: {},
    pathFields: {},
    body: z.strictObject({
      id: field.id.optional(),
      title: field.title,
      description: field.description.optional(),
      visibility: field.visibility.optional(),
      members: z
        .array(member)
        .max(CREATE_MEMBERS_MAX)
        .refine((list) => new Set(list.map((each) => each.userId)).size === list.length, 'must not name a user twice')
        .optional(),
      metadata: field.metadata.optional(),
    }),
    summary: 'Create a session; whoever creates it is its owner',
    who: 'anyone',
  },
  'session.update': {
    method: 'PATCH',
    path: '/sessions/{s}',
    params: {},
    pathFields: {},
    body: z.strictObject({
      title: field.title.optional(),
      description: field.description.optional(),
      metadata: field.metadata.optional(),
    }),
    summary: 'Change title, description or metadata',
    who: 'owner',
  },
  'session.archive': {
    method: 'POST',
    path: '/sessions/{s}/archive',
    params: {},
    pathFields: {},
    body: field.empty,
    summary: 'Archive the session',
    who: 'owner',
  },
  'session.restore': {
    method: 'POST',
    path: '/sessions/{s}/restore',
    params: {},
    pathFields: {},
    body: field.empty,
    summary: 'Restore an archived session',
    who: 'owner',
  },
  'session.delete': {
    method: 'DELETE',
    path: '/sessions/{s}',
    params: {},
    pathFields: {},
    body: field.empty,
    summary: 'Delete the session and erase its events',
    who: 'owner',
  },
  'member.put': {
    method: 'PUT',
    path: '/sessions/{s}/members/{userId}',
    params: { userId: 'userId' },
    pathFields: { userId: field.userId },
    body: z.strictObject({ role: field.memberRole }),
    summary: 'Add a member or set a role',
    who: 'owner; anyone for themselves as member or viewer if the session is public',
  },
  'member.remove': {
    method: 'DELETE',
    path: '/sessions/{s}/members/{userId}',
    params: { userId: 'userId' },
    pathFields: { userId: field.userId },
    body: field.empty,
    summary: 'Remove a member, or leave',
    who: 'owner; oneself',
  },
  'message.send': {
    method: 'POST',
    path: '/sessions/{s}/messages',
    params: {},
    pathFields: {},
    body: z.strictObject({
      text: field.text,
      id: field.id.optional(),
      parentId: field.id.optional(),
      role: field.messageRole.optional(),
      name: field.shortText.optional(),
      toolCallId: field.shortText.optional(),
      mentions: field.mentions.optional(),
      metadata: field.metadata.optional(),
      createdAt: field.rfc3339.optional(),
    }),
    summary: 'Send a message',
    notes: 'Users who are mentioned need not be members.',
    who: 'member; createdAt only with the scope service; role other than user, and name, only for agents and systems',
  },
  'message.edit': {
    method: 'PATCH',
    path: '/sessions/{s}/messages/{m}',
    params: { m: 'messageId' },
    pathFields: { messageId: field.id },
    body: z.strictObject({ text: field.text }),
    summary: 'Edit the text of a message',
    who: 'author',
  },
  'message.delete': {
    method: 'DELETE',
    path: '/sessions/{s}/messages/{m}',
    params: { m: 'messageId' },
    pathFields: { messageId: field.id },
    body: field.empty,
    summary: 'Delete a message and erase its text',
    who: 'author, owner',
  },
  'reaction.add': {
    method: 'PUT',
    path: '/sessions/{s}/messages/{m}/reactions/{emoji}',
    params: { m: 'messageId', emoji: 'emoji' },
    pathFields: { messageId: field.id, emoji: field.emoji },
    body: field.empty,
    summary: 'React to a message; the same again changes nothing',
    who: 'member',
    notes: `More than ${MESSAGE_EMOJIS_MAX} different emoji or ${MESSAGE_REACTIONS_MAX} reactions on one message: 409 conflict. Deleting the message drops them.`,
  },
  'reaction.remove': {
    method: 'DELETE',
    path: '/sessions/{s}/messages/{m}/reactions/{emoji}',
    params: { m: 'messageId', emoji: 'emoji' },
    pathFields: { messageId: field.id, emoji: field.emoji },
    body: field.empty,
    summary: 'Take back a reaction of one’s own',
    who: 'member',
  },
  'read.advance': {
    method: 'PUT',
    path: '/sessions/{s}/read',
    params: {},
    pathFields: {},
    body: z.strictObject({ seq: field.seq }),
    summary: 'Move the own read pointer forward',
    who: 'member, viewer',
  },
  'trace.start': {
    method: 'POST',
    path: '/sessions/{s}/traces',
    params: {},
    pathFields: {},
    body: z.strictObject({ id: field.id.optional(), name: field.shortText, metadata: field.metadata.optional() }),
    summary: 'Start a trace',
    who: 'member',
  },
  'trace.append': {
    method: 'POST',
    path: '/sessions/{s}/traces/{t}/spans',
    params: { t: 'traceId' },
    pathFields: { traceId: field.id },
    body: z.strictObject({
      spanId: field.id,
      parentSpanId: field.id.optional(),
      name: field.shortText,
      kind: field.spanKind.optional(),
      status: field.shortText.optional(),
      startedAt: field.rfc3339,
      endedAt: field.rfc3339.optional(),
      input: field.spanPayload.optional(),
      output: field.spanPayload.optional(),
      metadata: field.metadata.optional(),
    }),
    summary: 'Append a span, or more of one',
    who: 'member',
    notes:
      'The same spanId again is merged: of a field that was sent more than once the last one counts. A parent may come later; a span that names itself as its parent is 400. ' +
      `After trace.finish, beyond ${SPAN_UPDATES_MAX} further parts of one span, and beyond ${TRACE_SPAN_EVENTS_MAX} spans and further parts of one trace: 409 conflict.`,
  },
  'trace.finish': {
    method: 'POST',
    path: '/sessions/{s}/traces/{t}/finish',
    params: { t: 'traceId' },
    pathFields: { traceId: field.id },
    body: z.strictObject({ status: field.traceEnd, error: field.traceError.optional() }),
    summary: 'Finish a trace; it takes no more spans',
    who: 'member',
    notes: 'The same end again changes nothing, another one is 409 conflict.',
  },
  'trace.purge': {
    method: 'DELETE',
    path: '/sessions/{s}/traces/{t}',
    params: { t: 'traceId' },
    pathFields: { traceId: field.id },
    body: field.empty,
    summary: 'Purge a trace and erase its events',
    who: 'owner',
    notes: 'Its id stays taken. Again: unchanged.',
  },
  'stream.start': {
    method: 'POST',
    path: '/sessions/{s}/streams',
    params: {},
    pathFields: {},
    body: z.strictObject({
      messageId: field.id.optional(),
      role: field.messageRole.optional(),
      name: field.shortText.optional(),
      parentId: field.id.optional(),
      metadata: field.metadata.optional(),
      idleTimeoutMs: field.idleTimeoutMs.optional(),
    }),
    summary: 'Start to stream a message; its id is reserved',
    who: 'member; role other than user, and name, only for agents and systems',
    notes:
      `A session runs ${STREAMS_RUNNING_MAX} streams at once (rate_limited). Until it ends, a stream is seen on the socket only: it is in ` +
      'no page of messages, and nobody can answer, edit or delete it. The first 64 chunks that a backend sends over NATS may ' +
      'overtake its start by 5 s.',
  },
  'stream.append': {
    method: 'POST',
    path: '/sessions/{s}/streams/{m}/chunks',
    params: { m: 'messageId' },
    pathFields: { messageId: field.id },
    body: z.strictObject({ index: field.chunkIndex, text: field.streamText }),
    summary: 'Append the next chunk; the same chunk again changes nothing',
    who: 'who started it',
    notes:
      'Who started it goes on and finishes it also as a viewer, for as long as they are in the session. ' +
      'Each chunk is text of its own: a surrogate pair is not cut in two. The answer may come before the chunk is stored, which it is ' +
      'within half a second together with its Idempotency-Key (none is needed: the index does the same); should a crash come before, the ' +
      'next chunk is refused as stream_gap with expectedIndex, where to go on.',
  },
  'stream.finish': {
    method: 'POST',
    path: '/sessions/{s}/streams/{m}/finish',
    params: { m: 'messageId' },
    pathFields: { messageId: field.id },
    body: z.strictObject({ status: z.enum(['completed', 'failed']), text: field.streamText.optional() }),
    summary: 'End the stream as a message; text, when given, is the whole text and wins over the chunks',
    who: 'who started it',
    notes:
      'Without text a completed message is all chunks: stream_gap, with expectedIndex, when some may be missing. A sender whose chunks go ' +
      'over NATS always gives the text, for they may be lost or overtaken.',
  },
  'stream.cancel': {
    method: 'POST',
    path: '/sessions/{s}/streams/{m}/cancel',
    params: { m: 'messageId' },
    pathFields: { messageId: field.id },
    body: z.strictObject({ reason: field.shortText.optional() }),
    summary: 'Stop the stream; the text so far becomes a cancelled message',
    notes: 'The message is of who started the stream, whoever cancelled it. Sockets and NATS get the signal cancel.',
    who: 'who started it, owner, author of the parent message',
  },
} as const satisfies Record<CommandName, CommandSpec>;

export const COMMAND_NAMES = Object.keys(CATALOGUE) as CommandName[];

/** The schema of a command's whole `data`: body fields and path fields together, as socket and NATS carry it. */
export const DATA_SCHEMAS: Readonly<Record<CommandName, z.ZodObject>> = Object.fromEntries(
  COMMAND_NAMES.map((name) => {
    const spec: CommandSpec = CATALOGUE[name];
    return [name, spec.body.extend(spec.pathFields)];
  }),
) as Record<CommandName, z.ZodObject>;

export function isCommandName(name: string): name is CommandName {
  return Object.hasOwn(CATALOGUE, name);
}

/** Parses a command as the socket and NATS carry it. A missing `data` is `{}`. */
export function parseCommand(name: string, data: unknown): Parsed<Command> {
  if (!isCommandName(name))
    return { ok: false, refusal: { code: 'invalid_request', detail: 'There is no command of this name.' } };
  const result = DATA_SCHEMAS[name].safeParse(data === undefined ? {} : data);
  if (!result.success) return invalid(result.error);
  // the schema of this name has just proved the data of this name
  return { ok: true, value: { name, data: result.data } as Command };
}

/** Parses a command as HTTP carries it: path parameters are no fields of the body. A missing body is `{}`. */
export function parseHttpCommand(name: CommandName, params: Readonly<Record<string, string>>, body: unknown): Parsed<Command> {
  const spec: CommandSpec = CATALOGUE[name];
  const parsed = spec.body.safeParse(body === undefined ? {} : body);
  if (!parsed.success) return invalid(parsed.error);
  const fields: Record<string, unknown> = { ...parsed.data };
  for (const [param, fieldName] of Object.entries(spec.params)) fields[fieldName] = params[param];
  return parseCommand(name, fields);
}
