import { z } from 'zod';
import { CATALOGUE, COMMAND_NAMES, type CommandSpec } from '../../shared/contract/catalogue.ts';
import * as field from '../../shared/contract/fields.ts';
import { ERROR_CODES, type ErrorCode } from '../../shared/core/codes.ts';
import type { CommandName } from '../../shared/core/types.ts';
import { JSON_LEVELS_MAX } from '../routes/read-body.ts';
import { ANSWER_SCHEMAS, type AnswerName } from './answer-schemas.ts';
import type { Operation } from './operation.ts';
import { OPERATIONS } from './operations.ts';

/** The members of OpenAPI 3.1 that this document has. */
export interface OperationObject {
  operationId: string;
  tags: string[];
  summary: string;
  description?: string;
  parameters: { name: string; in: 'path' | 'query' | 'header'; required: boolean; description?: string; schema: object }[];
  requestBody?: { required: boolean; content: Record<string, { schema: object }> };
  responses: Record<string, { description: string; headers?: object; content?: Record<string, { schema: object }> }>;
  security?: object[];
}

export interface OpenApiDocument {
  openapi: '3.1.0';
  info: { title: string; version: string; description: string; license: { name: string; identifier: string } };
  servers: { url: string }[];
  security: object[];
  paths: Record<string, Record<string, OperationObject>>;
  components: { schemas: Record<string, object>; securitySchemes: object };
}

const PROBLEMS_OF_ALL: readonly ErrorCode[] = ['internal', 'overloaded', 'unavailable'];
/** a path or a Millrace-Actor that is malformed, no token, no right to act for others */
const PROBLEMS_OF_CALLERS: readonly ErrorCode[] = ['invalid_request', 'unauthenticated', 'forbidden'];
const PROBLEMS_OF_COMMANDS: readonly ErrorCode[] = [
  'session_not_found',
  'conflict',
  'session_archived',
  'session_full',
  'payload_too_large',
  'unsupported_media_type',
  'idempotency_key_reused',
  'rate_limited',
];
/** what one command may be refused for besides; a new command is not left out, and tests compare what they meet with it */
const PROBLEMS_OF_COMMAND: Record<CommandName, readonly ErrorCode[]> = {
  'session.create': [],
  'session.update': [],
  'session.archive': [],
  'session.restore': [],
  'session.delete': [],
  'member.put': ['last_owner'],
  'member.remove': ['last_owner', 'member_not_found'],
  'message.send': ['message_empty', 'message_too_long', 'message_not_found'],
  'message.edit': ['message_empty', 'message_too_long', 'message_not_found'],
  'message.delete': ['message_not_found'],
  'reaction.add': ['message_not_found'],
  'reaction.remove': ['message_not_found'],
  'read.advance': [],
  'stream.start': ['message_not_found'],
  'stream.append': ['message_too_long', 'stream_not_found', 'stream_gap', 'stream_ended'],
  'stream.finish': ['message_empty', 'message_too_long', 'stream_not_found', 'stream_gap', 'stream_ended'],
  'stream.cancel': ['stream_not_found', 'stream_ended'],
  'trace.start': [],
  'trace.append': ['trace_not_found'],
  'trace.finish': ['trace_not_found'],
  'trace.purge': ['trace_not_found'],
};

const TAGS: Readonly<Record<string, string>> = {
  session: 'Sessions',
  member: 'Members',
  message: 'Messages',
  reaction: 'Messages',
  stream: 'Streams',
  trace: 'Traces',
};
const schemas = Object.fromEntries(Object.entries(ANSWER_SCHEMAS).map(([name, schema]) => [name, jsonSchema(schema)]));

/** The OpenAPI 3.1 document of what exists, made of the catalogue and of OPERATIONS: nothing of a command is written twice. */
export function openApiDocument(serverUrl: string): OpenApiDocument {
  const paths: OpenApiDocument['paths'] = {};
  const add = (path: string, method: string, operation: OperationObject) => {
    (paths[path] ??= {})[method] = operation;
  };
  for (const name of COMMAND_NAMES)
    add(`/v1${CATALOGUE[name].path}`, CATALOGUE[name].method.toLowerCase(), commandOperation(name));
  for (const operation of OPERATIONS) add(operation.path, operation.method, otherOperation(operation));
  return {
    openapi: '3.1.0',
    info: {
      title: 'Millrace',
      version: '1',
      description:
        'Commands are answered 202 once they are durable at the edge. Times are RFC 3339 UTC with milliseconds. Errors are RFC 9457 problems.\n\n' +
        'A token must have `sub` and `exp`. A malformed session, message or command id in the path of a query is 404 like an unknown one; ' +
        'in a command it is 400. A repeated query parameter counts once, with its first value; unknown ones are ignored. ' +
        'The user ids `.` and `..` are valid, but no URL carries them: such segments are removed from a path, also when they are ' +
        'percent-encoded (WHATWG URL). As members they are put and removed over the socket. ' +
        `JSON may nest ${JSON_LEVELS_MAX} levels. ` +
        'A service whose Millrace-Actor names an id with a `;` must name its kind too.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: serverUrl }],
    security: [{ bearer: [] }],
    paths,
    components: { schemas, securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } },
  };
}

function jsonSchema(schema: z.ZodType): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return rest;
}

function commandOperation(name: CommandName): OperationObject {
  const spec: CommandSpec = CATALOGUE[name];
  const required = Object.values(spec.body.shape).some((each) => !(each as z.ZodType).safeParse(undefined).success);
  return {
    operationId: name,
    tags: [TAGS[name.split('.')[0] ?? ''] ?? 'Commands'],
    summary: spec.summary,
    description: [`Who may: ${spec.who}.`, ...(spec.notes === undefined ? [] : [spec.notes])].join('\n\n'),
    parameters: [
      ...pathParameters(spec.path, (param) => jsonSchema(spec.pathFields[spec.params[param] ?? ''] ?? field.id)),
      header(
        'Idempotency-Key',
        '1 to 128 visible ASCII characters; `"k"` and `k` are the same. The same request again is answered alike.',
      ),
      ...COMMON_HEADERS,
    ],
    requestBody: { required, content: { 'application/json': { schema: jsonSchema(spec.body) } } },
    responses: {
      '202': {
        description: 'Durable at the edge.',
        headers: {
          Location: { description: 'Where to see how far it came; absent when nothing changed.', schema: { type: 'string' } },
          'Idempotent-Replayed': { description: '`true` when the key was seen before.', schema: { type: 'string' } },
          'X-Correlation-Id': { schema: { type: 'string' } },
        },
        content: { 'application/json': { schema: ref('Accepted') } },
      },
      ...problems([...PROBLEMS_OF_COMMANDS, ...PROBLEMS_OF_COMMAND[name], ...PROBLEMS_OF_CALLERS, ...PROBLEMS_OF_ALL]),
    },
  };
}

function otherOperation(operation: Operation): OperationObject {
  const { answer, mediaType } = operation;
  const content = {
    ...(answer === undefined ? {} : { 'application/json': { schema: ref(answer) } }),
    ...(operation.alsoAs === undefined ? {} : { [operation.alsoAs]: { schema: { type: 'string' } } }),
  };
  const media = mediaType === undefined ? content : { [mediaType]: { schema: {} } };
  const own = operation.open === true ? operation.problems : [...operation.problems, ...PROBLEMS_OF_CALLERS, ...PROBLEMS_OF_ALL];
  return {
    operationId: operation.operationId,
    tags: [operation.tag],
    summary: operation.summary,
    ...(operation.description === undefined ? {} : { description: operation.description }),
    parameters: [
      ...pathParameters(operation.path, () => jsonSchema(field.id)),
      ...(operation.query ?? []).map((each) => ({ ...each, in: 'query' as const, required: each.required ?? false })),
      ...(operation.headers ?? []).map((each) => ({ ...each, in: 'header' as const, required: false })),
      ...(operation.open === true ? [] : COMMON_HEADERS),
    ],
    ...(operation.body === undefined
      ? {}
      : { requestBody: { required: false, content: { 'application/json': { schema: operation.body } } } }),
    responses: {
      [operation.status]: { description: operation.summary, ...(Object.keys(media).length === 0 ? {} : { content: media }) },
      ...(operation.operationId === 'health.ready' ? { '503': { description: 'A part is not ready', content } } : {}),
      ...problems(own),
    },
    ...(operation.open === true ? { security: [] } : {}),
  };
}

const PATH_PARAMETERS: Readonly<Record<string, string>> = {
  s: 'session id',
  m: 'message id',
  t: 'trace id',
  emoji: 'one emoji, or `:name:`',
  c: 'command id',
  id: 'id of a dead letter',
  userId: 'user id',
  type: 'event type',
  version: 'version of its data',
};

function pathParameters(path: string, schemaOf: (param: string) => object): OperationObject['parameters'] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => {
    const schema = name === 'type' || name === 'version' ? { type: 'string' } : schemaOf(name);
    return { name, in: 'path' as const, required: true, description: PATH_PARAMETERS[name] ?? name, schema };
  });
}

function header(name: string, description: string): OperationObject['parameters'][number] {
  return { name, in: 'header', required: false, description, schema: { type: 'string' } };
}

const COMMON_HEADERS: OperationObject['parameters'] = [
  header('X-Correlation-Id', 'Carried through every hop; made when absent or malformed.'),
  header('traceparent', 'W3C Trace Context'),
  header('Millrace-Actor', '`id[;kind]`: whom a service acts for. Needs the scope service.'),
];

function problems(codes: readonly ErrorCode[]): OperationObject['responses'] {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of new Set(codes)) {
    const { status } = ERROR_CODES[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, all]) => {
      const schema = { allOf: [ref('Problem'), { properties: { code: { enum: all } } }] };
      return [String(status), { description: all.join(', '), content: { 'application/problem+json': { schema } } }];
    }),
  );
}

function ref(name: AnswerName): object {
  return { $ref: `#/components/schemas/${name}` };
}
