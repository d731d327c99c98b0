import type {
  Accepted,
  CommandStatus,
  MemberAnswer,
  MessageAnswer,
  PresenceAnswer,
  SessionAnswer,
} from '../../shared/contract/answers.ts';
import type { InboundSignal } from '../../shared/contract/backend.ts';
import type { AuditedSession } from '../../shared/contract/audit.ts';
import type { Receipt } from '../../shared/contract/internal.ts';
import type { Refusal } from '../../shared/core/codes.ts';
import type { InboxChange } from '../../shared/core/inbox.ts';
import type { Counts, Door } from '../metrics/counts.ts';
import type { TraceRecord } from '../../shared/core/trace.ts';
import type { Actor, Command, Event, MessageRecord, MessageStatus, Metadata } from '../../shared/core/types.ts';

/** What the Worker asks of a Session object over RPC. Expected refusals are values: only faults are thrown. */

export interface SessionIdentity {
  tenant: string;
  sessionId: string;
}

export type Result<T> = { ok: true; value: T } | { ok: false; refusal: Refusal };

export interface ExecuteInput {
  command: Command;
  actor: Actor;
  idempotencyKey?: string;
  /** given by a backend; made here when absent */
  commandId?: string;
  correlationId: string;
  traceparent?: string;
  /** by which it came; absent from a Worker of an older build */
  door?: Door;
  /** for metrics: what the Worker counted since its last command */
  aside?: Counts;
}

export interface Executed {
  accepted: Accepted;
  replayed: boolean;
}

/** A row of a page: what the index says, and the body as far as the tail still holds it. */
export interface PageItem {
  record: MessageRecord;
  replyCount: number;
  reactions: MessageAnswer['reactions'];
  /** absent: the store has the body; always present for a deleted message */
  body?: { text: string; status: MessageStatus; toolCallId?: string; metadata: Metadata };
  /** a text newer than any the store need have, with no `body`: wins over the store's */
  newerText?: string;
}

export interface MessagesQuery {
  limit: number;
  before?: string;
  after?: string;
  parentId?: string;
  /** a message to have in the middle of the page */
  around?: string;
}

export interface MessagesPage {
  items: PageItem[];
  nextCursor?: string;
  previousCursor: string;
}

export interface PageQuery {
  limit: number;
  cursor?: string;
}

/** Messages that a search found, as they are now. */
export interface FoundMessages {
  /** in the order asked for, deleted ones left out */
  items: PageItem[];
  /** of those asked for the first so many were looked at: together they are as much as a page may have */
  looked: number;
}

export interface TraceItem {
  record: TraceRecord;
  spanCount: number;
}

/** A span of a page: it is put together of the events that it names. */
export interface SpanItem {
  spanId: string;
  seq: number;
  /** rising */
  partSeqs: number[];
}

export interface TracesPage {
  items: TraceItem[];
  /** trace.started of the items, as far as the tail still holds them: the archive has the others */
  events: Event[];
  nextCursor?: string;
}

export interface TracePage {
  item: TraceItem;
  spans: SpanItem[];
  /** its trace.started and the spans' events, as far as the tail still holds them */
  events: Event[];
  nextCursor?: string;
}

export interface EventsQuery {
  after: number;
  epoch?: string;
  limit: number;
}

export interface EventsPage {
  /** seqs to read from the archive first; absent when the tail holds all that was asked */
  archived?: { from: number; to: number };
  /** messages whose erasure the archive may not have seen yet */
  erasedSubjects: string[];
  /** traces whose erasure the archive may not have seen yet */
  erasedTraces: string[];
  /** events of the tail, contiguous, after the archived ones */
  events: Event[];
  head: number;
  epoch: string;
}

/** Events by seq, for the system itself: nobody's rights are looked at. */
export interface EventsAt {
  /** whole or erased, as the tail holds them */
  events: Event[];
  /** those that left the tail: only the archive has them */
  archivedSeqs: number[];
  /** the session is deleted: the archive may not have erased its events yet */
  isDeleted: boolean;
  erasedSubjects: string[];
  erasedTraces: string[];
}

/** What a session is in the list of one user. */
export interface Overview {
  change: InboxChange;
  /** absent: the user is no member of it, and must not see it in the list */
  listed?: { session: SessionAnswer; last?: PageItem };
}

/** What the Inbox of a user is to be told. */
export interface UserChange {
  userId: string;
  change: InboxChange;
}

/** What the Inboxes of some members are to show, by user id. */
export interface InboxesPage {
  users: UserChange[];
  /** absent: these were the last */
  next?: string;
  /** the session is too large for every member to be told */
  isUnpushed?: true;
}

/** An event of a receipt, and the span that its receipt came from. */
export interface ReceiptTrace {
  seq: number;
  traceparent: string;
}

export interface SessionApi {
  execute(identity: SessionIdentity, input: ExecuteInput): Promise<Result<Executed>>;
  commandStatus(identity: SessionIdentity, actor: Actor, commandId: string): Promise<Result<CommandStatus>>;
  describe(identity: SessionIdentity, actor: Actor): Promise<Result<SessionAnswer>>;
  /** cursor is opaque; one that was not made here is refused as invalid_request */
  members(
    identity: SessionIdentity,
    actor: Actor,
    query: { cursor?: string; limit: number },
  ): Promise<Result<{ items: MemberAnswer[]; nextCursor?: string }>>;
  messages(identity: SessionIdentity, actor: Actor, query: MessagesQuery): Promise<Result<MessagesPage>>;
  message(identity: SessionIdentity, actor: Actor, messageId: string): Promise<Result<PageItem>>;
  /** What a search found; of who is no member, nothing. */
  found(identity: SessionIdentity, actor: Actor, messageIds: readonly string[]): Promise<FoundMessages>;
  traces(identity: SessionIdentity, actor: Actor, query: PageQuery): Promise<Result<TracesPage>>;
  /** not `trace`, which the platform keeps for itself */
  traceById(identity: SessionIdentity, actor: Actor, traceId: string, query: PageQuery): Promise<Result<TracePage>>;
  events(identity: SessionIdentity, actor: Actor, query: EventsQuery): Promise<Result<EventsPage>>;
  eventsAt(identity: SessionIdentity, seqs: readonly number[]): Promise<EventsAt>;
  issueTicket(
    identity: SessionIdentity,
    actor: Actor,
    tokenExpiresAtMs: number,
  ): Promise<Result<{ ticket: string; expiresAt: string }>>;
  /** cursor is opaque; one that was not made here is refused as invalid_request */
  presence(
    identity: SessionIdentity,
    actor: Actor,
    query: { cursor?: string; limit: number },
  ): Promise<Result<{ items: PresenceAnswer[]; nextCursor?: string }>>;
  /**
   * `embeddedMessages`: how many an embedded store holds, of all sessions; absent for any other store. `traces`: of events in it,
   * those whose traces are recorded.
   */
  takeReceipt(receipt: Receipt, embeddedMessages?: number, traces?: readonly ReceiptTrace[]): Promise<void>;
  /**
   * From backends over NATS, in the order of arrival, authenticated by the right to publish; what is not for this session or
   * actor is dropped.
   */
  takeSignals(identity: SessionIdentity, signals: readonly InboundSignal[]): Promise<void>;
  /** undefined: there never was such a session */
  overview(identity: SessionIdentity, actor: Actor): Promise<Overview | undefined>;
  /**
   * For whom others' doings are news: the members, or, above PUSHED_MEMBERS_MAX of them, only the users that the events
   * named. Those named are told in any case, also when they are members no more.
   */
  inboxChanges(identity: SessionIdentity, named: readonly string[]): Promise<UserChange[]>;
  /** For audits (shared/contract/audit.ts). undefined: there never was such a session */
  auditDigests(identity: SessionIdentity, from: number): Promise<AuditedSession | undefined>;
  /** JSON of the events from…to that are still here, in order and cut */
  auditEvents(identity: SessionIdentity, from: number, to: number): Promise<string[]>;
  auditInboxes(identity: SessionIdentity, after: string): Promise<InboxesPage>;
}

/** Headers by which the Worker hands an upgrade to the Session; it removes any that a client sent. */
export const SOCKET_HEADERS = {
  tenant: 'Millrace-Tenant',
  sessionId: 'Millrace-Session',
  /** whose inbox, where it is one that is opened */
  userId: 'Millrace-User',
  correlationId: 'Millrace-Correlation',
  /** JSON {actor: Actor, tokenExpiresAtMs: number}, percent-encoded; present when a Bearer token was verified, else the ticket counts */
  caller: 'Millrace-Caller',
  /** `1`: the socket is held for an HTTP reader of events: no signals, and nobody is present by it */
  quiet: 'Millrace-Quiet',
} as const;
