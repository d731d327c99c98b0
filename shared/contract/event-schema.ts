import { z } from 'zod';
import { ID_PATTERN, TENANT_PATTERN, USER_ID_PATTERN } from '../core/ids.ts';
import { SEQ_MAX } from '../core/limits.ts';
import type { ErasedData, Event, EventType } from '../core/types.ts';
import { eventVersion, UPCASTERS, upcast, versionIn, type Upcasters } from '../core/upcast.ts';

/**
 * What an event looks like (contract §3), for those who read events and for `/schemas/{type}/{version}`.
 * Looser than the commands on purpose: unknown fields pass (an addition is no new version), and the limits of the day an
 * event was accepted are not checked again. What a sink needs to write its rows is checked exactly.
 */

const id = z.string().regex(ID_PATTERN);
const userId = z.string().regex(USER_ID_PATTERN);
const seq = z.int().min(1).max(SEQ_MAX);
const rfc3339 = z.iso.datetime({ offset: true });
const role = z.enum(['user', 'assistant', 'system', 'tool']);
const memberRole = z.enum(['owner', 'member', 'viewer']);
const metadata = z.record(z.string(), z.unknown());
const mentions = z.array(userId);
const empty = z.looseObject({});

const sessionFields = {
  title: z.string(),
  description: z.string(),
  visibility: z.enum(['private', 'public']),
  metadata,
};
const memberFields = z.looseObject({ userId, role: memberRole });
const messageAddress = {
  id,
  messageSeq: seq,
  author: userId,
  role,
  name: z.string().optional(),
  parentId: id.optional(),
  mentions,
  createdAt: rfc3339,
};

const reaction = z.looseObject({ messageId: id, messageSeq: seq, emoji: z.string().min(1).max(64), userId });
const span = z.looseObject({
  spanId: id,
  parentSpanId: id.optional(),
  name: z.string(),
  kind: z.enum(['agent', 'tool', 'model', 'other']).optional(),
  status: z.string().optional(),
  startedAt: rfc3339,
  endedAt: rfc3339.optional(),
  input: z.unknown().optional(),
  output: z.unknown().optional(),
  metadata: metadata.optional(),
});

/** The schema of each event type's whole `data`, in its newest version. */
export const EVENT_DATA_SCHEMAS = {
  'session.created': z.looseObject({ ...sessionFields, members: z.array(z.looseObject({ userId, role: memberRole })) }),
  'session.updated': z.looseObject(sessionFields),
  'session.archived': empty,
  'session.restored': empty,
  'session.deleted': empty,
  'member.added': memberFields,
  'member.updated': memberFields,
  'member.removed': memberFields,
  'message.created': z.looseObject({
    id,
    ordinal: z.int().min(1),
    text: z.string(),
    status: z.enum(['completed', 'cancelled', 'failed']),
    role,
    name: z.string().optional(),
    parentId: id.optional(),
    toolCallId: z.string().optional(),
    mentions,
    metadata,
    createdAt: rfc3339,
    streamedMs: z.int().min(0).optional(),
  }),
  'message.updated': z.looseObject({ ...messageAddress, text: z.string() }),
  'message.deleted': z.looseObject({ ...messageAddress, updatedSeqs: z.array(seq).optional() }),
  'reaction.added': reaction,
  'reaction.removed': reaction,
  'trace.started': z.looseObject({ id, name: z.string(), metadata }),
  'trace.span': z.looseObject({ traceId: id, traceSeq: seq, spanSeq: seq.optional(), span }),
  'trace.finished': z.looseObject({
    id,
    traceSeq: seq,
    status: z.enum(['completed', 'failed']),
    error: z.string().optional(),
    durationMs: z.int().min(0),
  }),
  'trace.purged': z.looseObject({
    id,
    traceSeq: seq,
    finishedSeq: seq.optional(),
    spanSeqs: z.array(seq).optional(),
    updatedSeqs: z.array(seq).optional(),
  }),
} as const satisfies Record<EventType, z.ZodType>;

export const EVENT_TYPES = Object.keys(EVENT_DATA_SCHEMAS) as EventType[];

/** What is left of `data` once it was erased. */
export const erasedData: z.ZodType<ErasedData> = z.object({ id: z.string().min(1).max(128), erased: z.literal(true) });

const envelope = {
  specversion: z.literal('1.0'),
  id,
  source: z.string().max(256),
  subject: z.string().min(1).max(128),
  time: rfc3339,
  datacontenttype: z.literal('application/json'),
  dataschema: z.string().max(2_048),
  tenant: z.string().regex(TENANT_PATTERN),
  sessionid: id,
  seq,
  clock: z.string().regex(/^(?:0|[1-9]\d{0,17})$/),
  actor: userId,
  actorkind: z.enum(['user', 'agent', 'system']),
  actorname: z.string().optional(),
  correlationid: z.string().min(1).max(128),
  causationid: z.string().min(1).max(128),
  traceparent: z.string().max(128).optional(),
};

function eventSchema(type: EventType, data: z.ZodType) {
  return z.looseObject({ ...envelope, type: z.literal(type), data: z.union([erasedData, data]) });
}

/** What a build knows of the versions of events. Tests bring their own, to have more than one. */
export interface Evolution {
  upcasters: Upcasters;
  /** per type the schemas of `data` in the versions that have an upcaster, from 1 on */
  past: Readonly<Partial<Record<EventType, readonly z.ZodType[]>>>;
  /** of the newest versions */
  newest: Readonly<Record<EventType, z.ZodType>>;
}

export const EVOLUTION: Evolution = { upcasters: UPCASTERS, past: {}, newest: EVENT_DATA_SCHEMAS };

/** The schema of the whole event, by type, in each of its versions from 1 on: `/schemas/{type}/{version}` answers JSON Schema of it. */
export function eventSchemas({ past, newest }: Evolution): Readonly<Record<EventType, readonly z.ZodType[]>> {
  return Object.fromEntries(
    EVENT_TYPES.map((type) => [type, [...(past[type] ?? []), newest[type]].map((data) => eventSchema(type, data))]),
  ) as unknown as Record<EventType, readonly z.ZodType[]>;
}

export const EVENT_SCHEMA_VERSIONS = eventSchemas(EVOLUTION);

/** The schema of the whole event, by type, in the newest version. */
export const EVENT_SCHEMAS: Readonly<Record<EventType, z.ZodType>> = Object.fromEntries(
  EVENT_TYPES.map((type) => [type, eventSchema(type, EVOLUTION.newest[type])]),
) as unknown as Record<EventType, z.ZodType>;

export type EventFault = 'unparsable' | 'unknown_type' | 'future_version' | 'invalid_event';
/** `event` is in the newest version of its type; `stored` is what came, where that was an older one: what an archive keeps. */
export type ParsedEvent = { ok: true; event: Event; stored?: Event } | { ok: false; reason: EventFault; detail: string };
export type EventParser = (value: unknown) => ParsedEvent;

/** Issues named in one fault; more would only repeat them. */
const ISSUES_MAX = 5;

/**
 * Makes what proves that a value is an event of a known type and version. Unknown fields stay: an archive keeps what was sent.
 * A version that this build does not know is refused, never guessed at. A detail names fields, never their contents.
 */
export function eventParser(evolution: Evolution): EventParser {
  const schemas = evolution === EVOLUTION ? EVENT_SCHEMA_VERSIONS : eventSchemas(evolution);
  return (value) => {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) return fault('invalid_event', 'not an object');
    const { type, dataschema } = value as { type?: unknown; dataschema?: unknown };
    if (typeof type !== 'string') return fault('invalid_event', 'type: missing');
    if (!isEventType(type)) return fault('unknown_type', 'type: not one of this version');
    const version = versionIn(type, dataschema);
    if (version === undefined) return fault('invalid_event', 'dataschema: does not name the type and its version');
    const newest = eventVersion(type, evolution.upcasters);
    if (version > newest) return fault('future_version', `dataschema: version ${version} is newer than ${newest}`);
    const came = proved(schemas[type][version - 1], value);
    if (!came.ok || version === newest) return came;
    // proved once more: a step that does not lead to the newest shape must not reach a store
    const now = proved(schemas[type][newest - 1], upcast(came.event, evolution.upcasters));
    return now.ok ? { ...now, stored: came.event } : now;
  };
}

/** The parser of this build. */
export const parseEvent: EventParser = eventParser(EVOLUTION);

function proved(schema: z.ZodType | undefined, value: object): ParsedEvent {
  const result = schema?.safeParse(value);
  // the value itself and not what zod made of it
  if (result?.success === true) return { ok: true, event: value as Event };
  const issues = (result?.error.issues ?? []).slice(0, ISSUES_MAX);
  return fault('invalid_event', issues.map((issue) => `${issue.path.map(String).join('.')}: ${issue.code}`).join('; '));
}

function isEventType(type: string): type is EventType {
  return Object.hasOwn(EVENT_DATA_SCHEMAS, type);
}

/** Parses what a message carries. */
export function parseEventBytes(bytes: Uint8Array, parse: EventParser = parseEvent): ParsedEvent {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes));
  } catch {
    // the parser's message quotes the payload, which does not belong in logs
    return fault('unparsable', 'not JSON in UTF-8');
  }
  return parse(value);
}

function fault(reason: EventFault, detail: string): ParsedEvent {
  return { ok: false, reason, detail };
}
