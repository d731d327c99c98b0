import { z } from 'zod';
import { CREATE_MEMBERS_MAX } from '../core/limits.ts';
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
  'read.advance': {
    method: 'PUT',
    path: '/sessions/{s}/read',
    params: {},
    pathFields: {},
    body: z.strictObject({ seq: field.seq }),
    summary: 'Move the own read pointer forward',
    who: 'member, viewer',
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
  },
  'stream.append': {
    method: 'POST',
    path: '/sessions/{s}/streams/{m}/chunks',
    params: { m: 'messageId' },
    pathFields: { messageId: field.id },
    body: z.strictObject({ index: field.chunkIndex, text: field.chunkText }),
    summary: 'Append the next chunk; the same chunk again changes nothing',
    who: 'who started it',
  },
  'stream.finish': {
    method: 'POST',
    path: '/sessions/{s}/streams/{m}/finish',
    params: { m: 'messageId' },
    pathFields: { messageId: field.id },
    body: z.strictObject({ status: z.enum(['completed', 'failed']), text: field.finalText.optional() }),
    summary: 'End the stream as a message; text, when given, is the whole text and wins over the chunks',
    who: 'who started it',
  },
  'stream.cancel': {
    method: 'POST',
    path: '/sessions/{s}/streams/{m}/cancel',
    params: { m: 'messageId' },
    pathFields: { messageId: field.id },
    body: z.strictObject({ reason: field.shortText.optional() }),
    summary: 'Stop the stream; the text so far becomes a cancelled message',
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
