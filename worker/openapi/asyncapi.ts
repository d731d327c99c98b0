import { z } from 'zod';
import { COMMAND_NAMES } from '../../shared/contract/catalogue.ts';
import { EVENT_SCHEMAS, EVENT_TYPES } from '../../shared/contract/event-schema.ts';
import { IDEMPOTENCY_KEY_HEADER, REPLY_HEADER } from '../../shared/contract/backend.ts';
import {
  CLOUDEVENTS_CONTENT_TYPE,
  commandSubject,
  deadLetterSubject,
  eventSubject,
  receiptSubject,
  signalsSubject,
} from '../../shared/contract/subjects.ts';
import {
  CLIENT_FRAMES,
  commandFrame,
  commandMessage,
  INBOX_CLIENT_FRAMES,
  INBOX_FRAME,
  NATS_SIGNALS,
  PONG,
  RECEIPT,
  SERVER_FRAMES,
  SERVER_SIGNALS,
} from './frame-schemas.ts';

interface MessageObject {
  name: string;
  title: string;
  contentType: string;
  payload: object;
  headers?: object;
}

interface ChannelObject {
  address: string;
  title: string;
  description: string;
  servers: { $ref: string }[];
  parameters?: Record<string, { description: string }>;
  messages: Record<string, { $ref: string }>;
}

export interface AsyncApiDocument {
  asyncapi: '3.0.0';
  info: { title: string; version: string; description: string; license: { name: string } };
  defaultContentType: string;
  servers: Record<string, object>;
  channels: Record<string, ChannelObject>;
  operations: Record<string, object>;
  components: { messages: Record<string, MessageObject> };
}

type Messages = Readonly<Record<string, z.ZodType>>;

/** One channel: what Millrace sends there, and what it receives. */
interface Channel {
  server: 'edge' | 'nats';
  address: string;
  title: string;
  description: string;
  sends: Messages;
  receives: Messages;
  contentType?: string;
  headers?: z.ZodType;
}

const JSON_TYPE = 'application/json';
const prefixed = (prefix: string, messages: Messages): Messages =>
  Object.fromEntries(Object.entries(messages).map(([name, schema]) => [`${prefix}.${name}`, schema]));
const perCommand = (prefix: string, schemaOf: (name: (typeof COMMAND_NAMES)[number]) => z.ZodType): Messages =>
  prefixed(prefix, Object.fromEntries(COMMAND_NAMES.map((name) => [name, schemaOf(name)])));

const DEAD_LETTER_HEADERS = z.object({
  'Millrace-Reason': z.string(),
  'Millrace-Error': z.string(),
  'Millrace-Attempts': z.string(),
  'Millrace-Subject': z.string(),
  'Millrace-Stream-Seq': z.string(),
  'Millrace-First-Failed-At': z.string(),
  'Millrace-Correlation-Id': z.string().optional().describe('Of a refused command: the same as in its problem.'),
});

const CHANNELS: Readonly<Record<string, Channel>> = {
  session: {
    server: 'edge',
    address: '/v1/sessions/{s}/socket',
    title: 'The socket of a session',
    description:
      'Upgrade with the subprotocols `millrace.v1, ticket.{ticket}`; `after` and `epoch` in the query resume. Commands of one socket are ' +
      'taken in the order sent. Close codes: 1012 come back with jitter, 4400 bad frame, 4401 token expired, 4403 removed, 4408 too slow, ' +
      '4410 session deleted, 4429 rate.\n\n' +
      'Signals are not kept. A `stream` frame begins behind the `lastIndex` of the one before, or at index 0: then it is the whole text so ' +
      'far and replaces what was shown. Who does not say `received` for long gets fewer and longer ones. `typing` is over after 10 s ' +
      'without another. `presence` tells changes: read GET …/presence after the welcome. Above 1,000 members or sockets neither is told. A ' +
      'signal of a client that is not understood, or not for it to send, is dropped; the socket stays.',
    sends: { ...prefixed('frame', SERVER_FRAMES), ...prefixed('signal', SERVER_SIGNALS), 'frame.pong': PONG },
    receives: { ...perCommand('frame.command', commandFrame), ...prefixed('frame.client', CLIENT_FRAMES) },
  },
  inbox: {
    server: 'edge',
    address: '/v1/inbox/socket',
    title: "The socket of one's inbox",
    description:
      'What changed since `after={rev}`, at once, then each change as it comes; frequent ones together. Subprotocols and close codes as on ' +
      'the socket of a session; tickets, also for renewal, from POST /v1/inbox/tickets.',
    sends: { 'frame.inbox': INBOX_FRAME, 'frame.pong': PONG },
    receives: prefixed('frame.inbox', INBOX_CLIENT_FRAMES),
  },
  events: {
    server: 'nats',
    address: eventSubject('{tenant}', '{type}', '{sessionId}'),
    title: 'The stream MILLRACE_EVENTS',
    description:
      'CloudEvents 1.0 in structured mode; `Nats-Msg-Id` is the id of the event. At least once, and may be out of order: order by `seq`, ' +
      'deduplicate by `id`. Kept for 30 days.',
    sends: prefixed('event', Object.fromEntries(EVENT_TYPES.map((type) => [type, EVENT_SCHEMAS[type]]))),
    receives: {},
    contentType: CLOUDEVENTS_CONTENT_TYPE,
    headers: z.object({ 'Content-Type': z.literal(CLOUDEVENTS_CONTENT_TYPE), 'Nats-Msg-Id': z.string() }),
  },
  commands: {
    server: 'nats',
    address: commandSubject('{tenant}', '{sessionId}'),
    title: 'The stream MILLRACE_COMMANDS',
    description:
      'Commands of backends, taken in the order of the stream per session. The right to publish here is the right to act as anyone of that ' +
      'tenant. A refused one becomes a dead letter. A `Nats-Msg-Id` is compared with those of all sessions, for two minutes; a message with ' +
      'its headers may have 1 MiB less 16 KiB.',
    sends: {},
    receives: perCommand('command', commandMessage),
    headers: z.object({
      [IDEMPOTENCY_KEY_HEADER]: z.string().optional(),
      [REPLY_HEADER]: z
        .string()
        .optional()
        .describe('a literal subject for the 202 body or the problem; not one that begins with `$` or `millrace.`'),
    }),
  },
  signals: {
    server: 'nats',
    address: signalsSubject('{tenant}', '{sessionId}'),
    title: 'Signals of a session',
    description:
      'Core NATS, not kept: chunks and typing from backends, cancel to them. Chunks may come out of order by 64; behind one that is missing ' +
      'nothing is shown. What was lost, the text of stream.finish mends.',
    sends: { 'signal.nats.cancel': NATS_SIGNALS.cancel },
    receives: { 'signal.nats.stream': NATS_SIGNALS.stream, 'signal.nats.typing': NATS_SIGNALS.typing },
  },
  deadLetters: {
    server: 'nats',
    address: deadLetterSubject('{consumer}'),
    title: 'The stream MILLRACE_DEAD_LETTERS',
    description: 'What a consumer could not take, as it came, with the reason in its headers; kept until redriven or discarded.',
    sends: { deadLetter: z.unknown() },
    receives: {},
    headers: DEAD_LETTER_HEADERS,
  },
  receipts: {
    server: 'nats',
    address: receiptSubject('{tenant}', '{sessionId}'),
    title: 'The stream MILLRACE_RECEIPTS',
    description: 'Which events the history store holds. Kept for 3 days.',
    sends: { receipt: RECEIPT },
    receives: {},
  },
};

const PARAMETERS: Readonly<Record<string, string>> = {
  s: 'session id',
  sessionId: 'session id',
  tenant: 'tenant',
  type: 'event type: two tokens',
  consumer: 'the consumer that gave up',
};

/** The AsyncAPI 3 document of sockets and NATS subjects, made of the catalogue, the event schemas and the frames. */
export function asyncApiDocument(serverUrl: string): AsyncApiDocument {
  const { host, protocol } = new URL(serverUrl);
  const messages: Record<string, MessageObject> = {};
  const channels: AsyncApiDocument['channels'] = {};
  const operations: AsyncApiDocument['operations'] = {};
  for (const [name, channel] of Object.entries(CHANNELS)) {
    const all = { ...channel.sends, ...channel.receives };
    for (const [key, schema] of Object.entries(all)) messages[key] = messageOf(key, schema, channel);
    channels[name] = channelOf(channel, Object.keys(all));
    for (const [action, these] of Object.entries({ send: channel.sends, receive: channel.receives })) {
      const keys = Object.keys(these);
      if (keys.length === 0) continue;
      operations[`${name}.${action}`] = {
        action,
        channel: { $ref: `#/channels/${name}` },
        messages: keys.map((key) => ({ $ref: `#/channels/${name}/messages/${key}` })),
      };
    }
  }
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Millrace',
      version: '1',
      description:
        'Sockets and NATS subjects. `send` is what Millrace sends, `receive` what it takes. Requests are in openapi.json.',
      license: { name: 'Apache-2.0' },
    },
    defaultContentType: JSON_TYPE,
    servers: {
      edge: { host, protocol: protocol === 'https:' ? 'wss' : 'ws' },
      nats: { host: '{host}', protocol: 'nats', variables: { host: { default: 'localhost:4222' } } },
    },
    channels,
    operations,
    components: { messages },
  };
}

function channelOf(channel: Channel, keys: readonly string[]): ChannelObject {
  const names = [...channel.address.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  const { address, title, description, server } = channel;
  return {
    address,
    title,
    description,
    servers: [{ $ref: `#/servers/${server}` }],
    ...(names.length === 0
      ? {}
      : { parameters: Object.fromEntries(names.map((name) => [name, { description: PARAMETERS[name] ?? name }])) }),
    messages: Object.fromEntries(keys.map((key) => [key, { $ref: `#/components/messages/${key}` }])),
  };
}

function messageOf(key: string, schema: z.ZodType, channel: Channel): MessageObject {
  return {
    name: key,
    title: key,
    contentType: channel.contentType ?? JSON_TYPE,
    payload: jsonSchema(schema),
    ...(channel.headers === undefined ? {} : { headers: jsonSchema(channel.headers) }),
  };
}

/** AsyncAPI's own schema language is a superset of JSON Schema draft 7. */
function jsonSchema(schema: z.ZodType): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', target: 'draft-7' });
  return rest;
}
