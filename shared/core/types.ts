import type { SpanData, TraceStatus } from './trace.ts';

/** The nouns of Millrace's core. No platform, no zod: the client carries these too. */

export type ActorKind = 'user' | 'agent' | 'system';

/** Who acts. `service` is true when the caller's token has the scope `service` (contract §7). */
export interface Actor {
  id: string;
  name?: string;
  kind: ActorKind;
  service?: boolean;
  admin?: boolean;
}

export type MemberRole = 'owner' | 'member' | 'viewer';
export type Visibility = 'private' | 'public';
export type MessageRole = 'user' | 'assistant' | 'system' | 'tool';
export type MessageStatus = 'completed' | 'cancelled' | 'failed';
export type Metadata = Record<string, unknown>;

/** A session as its Session object keeps it. Times are epoch milliseconds. */
export interface SessionRecord {
  id: string;
  title: string;
  description: string;
  visibility: Visibility;
  status: 'active' | 'archived' | 'deleted';
  metadata: Metadata;
  createdAt: number;
  updatedAt: number;
}

/** A member row: never removed, `active: false` once the member left (design decision 5). */
export interface MemberRecord {
  userId: string;
  role: MemberRole;
  active: boolean;
  name?: string;
  kind: ActorKind;
  joinedAt: number;
  readSeq: number;
}

/** The small row that stays for good per message (design decision 6). Bodies live in events and in the store. */
export interface MessageRecord {
  id: string;
  /** seq of the message's message.created */
  seq: number;
  /** 1, 2, … among the session's messages */
  ordinal: number;
  author: string;
  authorKind: ActorKind;
  authorName?: string;
  role: MessageRole;
  name?: string;
  parentId?: string;
  mentions: readonly string[];
  createdAt: number;
  editedAt?: number;
  deletedAt?: number;
  /** seqs of the message.updated events, oldest first: what a deletion has to erase */
  updatedSeqs: readonly number[];
  /** clock of the event that last wrote the message: what a store row must have reached to be current */
  clock: string;
  /** bytes of UTF-8 JSON of the text, and of all the rest of the body: what a page counts */
  textBytes: number;
  restBytes: number;
}

/** A live reaction; the row goes with its removal, and with its message. */
export interface ReactionRecord {
  messageSeq: number;
  emoji: string;
  userId: string;
  /** seq of its reaction.added: the order in which users are named */
  seq: number;
}

/** What a stream keeps from its start to the message that it becomes. */
export interface StreamRecord {
  /** of the message that it will be */
  id: string;
  /** whose message it will be, and who alone may append to it */
  starter: { id: string; name?: string; kind: ActorKind };
  role: MessageRole;
  name?: string;
  parentId?: string;
  metadata: Metadata;
  idleTimeoutMs: number;
  startedAt: number;
}

export interface EventDataByType {
  'session.created': SessionFields & { members: { userId: string; role: MemberRole }[] };
  'session.updated': SessionFields;
  'session.archived': Record<string, never>;
  'session.restored': Record<string, never>;
  'session.deleted': Record<string, never>;
  'member.added': MemberFields;
  'member.updated': MemberFields;
  'member.removed': MemberFields;
  'message.created': MessageCreatedData;
  'message.updated': MessageAddress & { text: string };
  'message.deleted': MessageAddress & { updatedSeqs?: readonly number[] };
  'reaction.added': ReactionFields;
  'reaction.removed': ReactionFields;
  'trace.started': { id: string; name: string; metadata: Metadata };
  /** `spanSeq`: seq of the first event of the same span; absent in that one */
  'trace.span': { traceId: string; traceSeq: number; spanSeq?: number; span: SpanData };
  'trace.finished': {
    id: string;
    traceSeq: number;
    status: Exclude<TraceStatus, 'running'>;
    error?: string;
    durationMs: number;
  };
  'trace.purged': TracePurgedData;
}

export interface ReactionFields {
  messageId: string;
  messageSeq: number;
  emoji: string;
  userId: string;
}

/** Names every event that it erases, besides its trace.started: each span's first, the spans' further ones, and the end. */
export interface TracePurgedData {
  id: string;
  traceSeq: number;
  finishedSeq?: number;
  spanSeqs?: readonly number[];
  updatedSeqs?: readonly number[];
}

export interface SessionFields {
  title: string;
  description: string;
  visibility: Visibility;
  metadata: Metadata;
}

export interface MemberFields {
  userId: string;
  role: MemberRole;
}

export interface MessageCreatedData {
  id: string;
  ordinal: number;
  text: string;
  status: MessageStatus;
  role: MessageRole;
  name?: string;
  parentId?: string;
  toolCallId?: string;
  mentions: readonly string[];
  metadata: Metadata;
  createdAt: string;
  /** of a message that was streamed: milliseconds from stream.start to its end */
  streamedMs?: number;
}

/** What lets a sink address a message's row without reading anything (design decision 5). */
export interface MessageAddress {
  id: string;
  messageSeq: number;
  author: string;
  role: MessageRole;
  name?: string;
  parentId?: string;
  mentions: readonly string[];
  createdAt: string;
}

export type EventType = keyof EventDataByType;

/** What is left of an event's data once it was erased (contract §3). */
export interface ErasedData {
  id: string;
  erased: true;
}

export interface EventDraft<T extends EventType = EventType> {
  type: T;
  /** the entity's id */
  subject: string;
  data: EventDataByType[T];
}

/** A CloudEvents 1.0 envelope (contract §3), with `data` whole or erased. */
export interface Envelope<T extends string, D> {
  specversion: '1.0';
  id: string;
  source: string;
  type: T;
  subject: string;
  /** RFC 3339 UTC with milliseconds */
  time: string;
  datacontenttype: 'application/json';
  dataschema: string;
  tenant: string;
  sessionid: string;
  seq: number;
  /** decimal string, microseconds, strictly rising per session */
  clock: string;
  actor: string;
  actorkind: ActorKind;
  actorname?: string;
  correlationid: string;
  causationid: string;
  traceparent?: string;
  data: D;
}

/** An event whose data is whole, discriminated by `type`. */
export type WholeEvent = { [T in EventType]: Envelope<T, EventDataByType[T]> }[EventType];
export type WholeEventOf<T extends EventType> = Extract<WholeEvent, { type: T }>;
/** An event as it may be read anywhere: whole, or erased. */
export type Event = WholeEvent | Envelope<EventType, ErasedData>;

export function isErased(event: Event): event is Envelope<EventType, ErasedData> {
  return (event.data as { erased?: unknown }).erased === true;
}

export interface CommandDataByName {
  'session.create': Partial<SessionFields> & { title: string; id?: string; members?: { userId: string; role: MemberRole }[] };
  'session.update': { title?: string; description?: string; metadata?: Metadata };
  'session.archive': Record<string, never>;
  'session.restore': Record<string, never>;
  'session.delete': Record<string, never>;
  'member.put': { userId: string; role: MemberRole };
  'member.remove': { userId: string };
  'message.send': {
    text: string;
    id?: string;
    parentId?: string;
    role?: MessageRole;
    name?: string;
    toolCallId?: string;
    mentions?: string[];
    metadata?: Metadata;
    createdAt?: string;
  };
  'message.edit': { messageId: string; text: string };
  'message.delete': { messageId: string };
  'reaction.add': { messageId: string; emoji: string };
  'reaction.remove': { messageId: string; emoji: string };
  'read.advance': { seq: number };
  'trace.start': { id?: string; name: string; metadata?: Metadata };
  'trace.append': SpanData & { traceId: string };
  'trace.finish': { traceId: string; status: Exclude<TraceStatus, 'running'>; error?: string };
  'trace.purge': { traceId: string };
  'stream.start': {
    messageId?: string;
    role?: MessageRole;
    name?: string;
    parentId?: string;
    metadata?: Metadata;
    idleTimeoutMs?: number;
  };
  'stream.append': { messageId: string; index: number; text: string };
  'stream.finish': { messageId: string; status: 'completed' | 'failed'; text?: string };
  'stream.cancel': { messageId: string; reason?: string };
}

export type CommandName = keyof CommandDataByName;

/** A command whose data passed its schema. */
export type Command = { [N in CommandName]: { name: N; data: CommandDataByName[N] } }[CommandName];
