import type { DeviceStatus } from '../core/presence.ts';
import type { SpanKind, TraceStatus } from '../core/trace.ts';
import type { ActorKind, MemberRole, MessageRole, MessageStatus, Metadata, Visibility } from '../core/types.ts';

/** The bodies that clients get (contract §1 and §2). Times are RFC 3339 UTC with milliseconds. */

export interface Accepted {
  commandId: string;
  sessionId: string;
  seq: number;
  eventId: string | null;
  entityId: string;
  correlationId: string;
  acceptedAt: string;
  unchanged?: true;
}

export interface CommandStatus {
  commandId: string;
  type: string;
  status: 'accepted' | 'published' | 'persisted' | 'failed';
  seq: number;
  eventId: string;
  acceptedAt: string;
  publishedAt?: string;
  persistedAt?: string;
  failure?: { code: string; detail: string; consumer: string; at: string };
}

export interface SessionAnswer {
  id: string;
  title: string;
  description: string;
  visibility: Visibility;
  status: 'active' | 'archived';
  role?: MemberRole;
  memberCount: number;
  head: number;
  epoch: string;
  createdAt: string;
  updatedAt: string;
  metadata: Metadata;
}

export interface UserAnswer {
  id: string;
  name?: string;
  kind: ActorKind;
}

export interface MemberAnswer {
  user: UserAnswer;
  role: MemberRole;
  joinedAt: string;
  readSeq: number;
}

export interface PresenceAnswer {
  user: UserAnswer;
  /** over all devices: away when all of them are */
  status: DeviceStatus;
  /** open sockets; 0 for the moment after the last one closed, in which the user may come back */
  devices: number;
  /** when the status became what it is */
  since: string;
}

export interface MessageAnswer {
  id: string;
  sessionId: string;
  seq: number;
  author: UserAnswer;
  role: MessageRole;
  name?: string;
  text: string;
  status: MessageStatus;
  parentId?: string;
  replyCount: number;
  toolCallId?: string;
  mentions: readonly string[];
  reactions: { emoji: string; count: number; mine: boolean; userIds: string[] }[];
  createdAt: string;
  editedAt?: string;
  deletedAt?: string;
  metadata: Metadata;
  attachments: never[];
}

export interface TraceAnswer {
  id: string;
  sessionId: string;
  /** of its trace.started */
  seq: number;
  author: UserAnswer;
  name: string;
  status: TraceStatus;
  startedAt: string;
  finishedAt?: string;
  durationMs?: number;
  error?: string;
  metadata: Metadata;
  spanCount: number;
}

export interface SpanAnswer {
  spanId: string;
  /** of its first trace.span: spans come in this order */
  seq: number;
  parentSpanId?: string;
  name: string;
  kind: SpanKind;
  status?: string;
  startedAt: string;
  endedAt?: string;
  durationMs?: number;
  input?: unknown;
  output?: unknown;
  metadata: Metadata;
}

/** A trace with a page of its spans. */
export interface TraceDetail extends TraceAnswer {
  spans: SpanAnswer[];
  nextCursor?: string;
}

/** A row of GET /v1/sessions. */
export interface SessionsItem {
  session: SessionAnswer;
  lastMessage?: MessageAnswer;
  /** 100 means "100 or more" */
  unread: number;
  mentions: number;
}

/** GET /v1/search. */
export interface SearchPage {
  items: { message: MessageAnswer; highlight: string; score: number }[];
  total: number;
  nextCursor?: string;
  asOf: string;
}

export interface InboxItem {
  sessionId: string;
  /** 100 means "100 or more" */
  unread: number;
  mentions: number;
  head: number;
  role?: MemberRole;
  /** not a member any more, or the session is deleted */
  removed?: true;
}

/** GET /v1/inbox, and each frame of its socket: `rev` is that of the last item, or the newest when nothing is left out. */
export interface InboxAnswer {
  type: 'inbox';
  rev: number;
  items: InboxItem[];
  /** there is more: ask again with `after` = rev. On the socket the next frame follows by itself. */
  more?: true;
}
