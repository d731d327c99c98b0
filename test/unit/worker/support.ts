import { SignJWT, type JWTPayload } from 'jose';
import { vi } from 'vitest';
import type { Accepted } from '../../../shared/contract/answers.ts';
import type { InboxChange } from '../../../shared/core/inbox.ts';
import type { TraceRecord } from '../../../shared/core/trace.ts';
import type { Event, MessageRecord } from '../../../shared/core/types.ts';
import type { Env } from '../../../worker/env.ts';
import type { InboxIdentity, InboxPage } from '../../../worker/inbox/api.ts';
import { createApp } from '../../../worker/routes/app.ts';
import type { InboundSignal } from '../../../shared/contract/backend.ts';
import type {
  EventsAt,
  EventsPage,
  Executed,
  FoundMessages,
  ExecuteInput,
  MessagesPage,
  Overview,
  PageItem,
  Result,
  SessionIdentity,
  TraceItem,
  TracePage,
  TracesPage,
  UserChange,
} from '../../../worker/session/api.ts';
import type { RequestOutcome, UplinkFigures } from '../../../worker/uplink/api.ts';

/** what the tests send as a body */
export type Body = string | Uint8Array<ArrayBuffer> | ReadableStream;

export const JWT_SECRET = 'a secret for tests, of 32 bytes and more';
export const INTERNAL_SECRET = 'another secret for tests, long enough too';
export const ORIGIN = 'http://localhost:8787';

export const ACCEPTED: Accepted = {
  commandId: 'c1',
  sessionId: 's1',
  seq: 7,
  eventId: 'e1',
  entityId: 'm1',
  correlationId: 'k1',
  acceptedAt: '2026-01-01T00:00:00.000Z',
};

const NO_FIGURES: UplinkFigures = { startedAtMs: 0, counts: {}, outbox: { events: 0, sessions: 0 }, sockets: 0 };

const ok = <T>(value: T): Result<T> => ({ ok: true, value });
const EMPTY_PAGE: MessagesPage = { items: [], previousCursor: 'p' };
export const NO_EVENTS: EventsAt = { events: [], archivedSeqs: [], isDeleted: false, erasedSubjects: [], erasedTraces: [] };
const EMPTY_EVENTS: EventsPage = { erasedSubjects: [], erasedTraces: [], events: [], head: 0, epoch: 'x' };

type Asked<T> = (identity: SessionIdentity, actor: unknown, query?: unknown) => Promise<Result<T>>;
type Execute = (identity: SessionIdentity, input: ExecuteInput) => Promise<Result<Executed>>;

/** A Session that agrees to everything; a test replaces what it is about. */
export function fakeSession() {
  return {
    execute: vi.fn<Execute>(async () => ok({ accepted: ACCEPTED, replayed: false })),
    commandStatus: vi.fn<Asked<object>>(async () => ok({ commandId: 'c1' })),
    describe: vi.fn<Asked<object>>(async () => ok({ id: 's1' })),
    members: vi.fn<Asked<object>>(async () => ok({ items: [] })),
    messages: vi.fn<Asked<MessagesPage>>(async () => ok(EMPTY_PAGE)),
    message: vi.fn<Asked<PageItem>>(async () => ok(pageItem())),
    traces: vi.fn<Asked<TracesPage>>(async () => ok({ items: [], events: [] })),
    traceById: vi.fn<Asked<TracePage>>(async () => ok({ item: traceItem(), spans: [], events: [startOf(traceItem())] })),
    events: vi.fn<Asked<EventsPage>>(async () => ok(EMPTY_EVENTS)),
    eventsAt: vi.fn<(identity: SessionIdentity, seqs: readonly number[]) => Promise<EventsAt>>(async () => NO_EVENTS),
    issueTicket: vi.fn<Asked<object>>(async () => ok({ ticket: 't', expiresAt: '2026-01-01T00:00:30.000Z' })),
    takeReceipt: vi.fn<(receipt: { sessionId: string }, embeddedMessages?: number) => Promise<void>>(async () => undefined),
    takeSignals: vi.fn<(identity: SessionIdentity, signals: readonly InboundSignal[]) => Promise<void>>(async () => undefined),
    overview: vi.fn<(identity: SessionIdentity, actor: unknown) => Promise<Overview | undefined>>(async () => undefined),
    found: vi.fn<(identity: SessionIdentity, actor: unknown, messageIds: readonly string[]) => Promise<FoundMessages>>(
      async (_identity, _actor, { length }) => ({ items: [], looked: length }),
    ),
    inboxChanges: vi.fn<(identity: SessionIdentity, named: readonly string[]) => Promise<UserChange[]>>(async () => []),
    fetch: vi.fn<(request: Request) => Promise<Response>>(async () =>
      Response.json({ code: 'unauthenticated', detail: 'no' }, { status: 401 }),
    ),
  };
}

/** An Inbox that is empty and agrees to everything. */
export function fakeInbox() {
  return {
    take: vi.fn<(identity: InboxIdentity, changes: readonly InboxChange[]) => Promise<void>>(async () => undefined),
    page: vi.fn<(identity: InboxIdentity, query: object) => Promise<Result<InboxPage>>>(async () => ok({ items: [] })),
    sessionIds: vi.fn<(identity: InboxIdentity, limit: number) => Promise<string[]>>(async () => []),
    since: vi.fn<(identity: InboxIdentity, after: number) => Promise<object>>(async () => ({ type: 'inbox', rev: 0, items: [] })),
    issueTicket: vi.fn<(identity: InboxIdentity, actor: unknown, expiresAtMs: number) => Promise<Result<object>>>(async () =>
      ok({ ticket: 't', expiresAt: '2026-01-01T00:00:30.000Z' }),
    ),
    fetch: vi.fn<(request: Request) => Promise<Response>>(async () =>
      Response.json({ code: 'unauthenticated', detail: 'no' }, { status: 401 }),
    ),
  };
}

/** The Worker over a fake Session and a fake Uplink. `names` are the names by which objects were looked up. */
export function world(variables: Partial<Env> = {}) {
  const session = fakeSession();
  const inbox = fakeInbox();
  const uplink = {
    request: vi.fn<(subject: string, payload: string) => Promise<RequestOutcome>>(async () => ({
      ok: false,
      error: 'nobody answers',
    })),
    health: vi.fn<() => Promise<boolean>>(async () => true),
    figures: vi.fn<() => Promise<UplinkFigures>>(async () => NO_FIGURES),
  };
  const names: string[] = [];
  const namespace = (object: unknown) => ({
    idFromName: (name: string) => name,
    get: (name: string) => {
      names.push(name);
      return object;
    },
  });
  const env = {
    SESSION: namespace(session),
    INBOX: namespace(inbox),
    UPLINK: namespace(uplink),
    NATS_WS_URL: '',
    JWT_SECRET,
    INTERNAL_SECRET,
    ENVIRONMENT: 'local',
    ...variables,
  } as unknown as Env;
  const app = createApp();
  const call = async (method: string, path: string, init: { headers?: Record<string, string>; body?: Body } = {}) =>
    app.fetch(new Request(new URL(path, ORIGIN), { method, ...init }), env);
  /** with a token of alice, and a body as JSON */
  const as = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const authorization = { Authorization: `Bearer ${await token()}` };
    if (body === undefined) return call(method, path, { headers: { ...authorization, ...headers } });
    const json = { 'Content-Type': 'application/json' };
    return call(method, path, { headers: { ...authorization, ...json, ...headers }, body: JSON.stringify(body) });
  };
  return { session, inbox, uplink, names, env, call, as };
}

export function token(claims: JWTPayload = {}, secret = JWT_SECRET): Promise<string> {
  const nowS = Math.floor(Date.now() / 1_000);
  const payload = { sub: 'alice', exp: nowS + 600, ...claims };
  return new SignJWT(payload).setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode(secret));
}

export async function problem(response: Response): Promise<{ code: string; status: number } & Record<string, unknown>> {
  if (response.headers.get('Content-Type') !== 'application/problem+json')
    throw new Error(`no problem: ${await response.text()}`);
  return (await response.json()) as { code: string; status: number };
}

export function record(seq: number, more: Partial<MessageRecord> = {}): MessageRecord {
  return {
    id: `m${seq}`,
    seq,
    ordinal: seq,
    author: 'alice',
    authorKind: 'user',
    role: 'user',
    mentions: ['bob'],
    createdAt: 1_000,
    updatedSeqs: [],
    clock: `${seq}000`,
    textBytes: 5,
    restBytes: 5,
    ...more,
  };
}

export function pageItem(seq = 1, more: Partial<PageItem> = {}, recordMore: Partial<MessageRecord> = {}): PageItem {
  return { record: record(seq, recordMore), replyCount: 0, reactions: [], ...more };
}

export function traceItem(seq = 1, more: Partial<TraceRecord> = {}): TraceItem {
  const trace: TraceRecord = {
    id: `t${seq}`,
    seq,
    name: 'plan',
    status: 'running',
    author: 'alice',
    authorKind: 'user',
    startedAt: 1_000,
    spanUpdates: 0,
    metadataBytes: 2,
    ...more,
  };
  return { record: trace, spanCount: 0 };
}

export function startOf({ record: { id, seq } }: TraceItem): Event {
  return event(seq, { type: 'trace.started', subject: id, data: { id, name: 'plan', metadata: { from: 'start' } } });
}

export function event(seq: number, more: Partial<Event> = {}): Event {
  return {
    specversion: '1.0',
    id: `e${seq}`,
    source: '/sessions/s1',
    type: 'message.created',
    subject: `m${seq}`,
    time: '2026-01-01T00:00:00.000Z',
    datacontenttype: 'application/json',
    dataschema: '/schemas/message.created/1',
    tenant: 'default',
    sessionid: 's1',
    seq,
    clock: `${seq}000`,
    actor: 'alice',
    actorkind: 'user',
    correlationid: 'k',
    causationid: 'c',
    data: { id: `m${seq}`, text: 'hello' },
    ...more,
  } as Event;
}
