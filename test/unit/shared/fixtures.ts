import { MemoryState } from '../../../shared/core/memory-state.ts';
import type { CommandHandler, DecideContext, Decision } from '../../../shared/core/decision.ts';
import { readAccess } from '../../../shared/core/rights.ts';
import type { SessionView } from '../../../shared/core/state.ts';
import type { SpanRecord, TraceRecord } from '../../../shared/core/trace.ts';
import type {
  Actor,
  CommandDataByName,
  CommandName,
  EventDataByType,
  EventType,
  MemberRole,
  MessageRecord,
  ReactionRecord,
  SessionRecord,
  WholeEventOf,
} from '../../../shared/core/types.ts';

/** The people of the unit tests: in every session below alice owns, bob is a member, carol views, and dave is a stranger. */
export const alice: Actor = { id: 'alice', name: 'Alice', kind: 'user' };
export const bob: Actor = { id: 'bob', kind: 'user' };
export const carol: Actor = { id: 'carol', kind: 'user' };
export const dave: Actor = { id: 'dave', kind: 'user' };

export const NOW_MS = Date.parse('2026-01-02T03:04:05.678Z');
export const NOW_TIME = '2026-01-02T03:04:05.678Z';
export const SESSION_ID = 'session-1';

export function sessionRecord(over: Partial<SessionRecord> = {}): SessionRecord {
  return {
    id: SESSION_ID,
    title: 'Harbour',
    description: 'tides',
    visibility: 'private',
    status: 'active',
    metadata: { depth: 3 },
    createdAt: NOW_MS - 1_000,
    updatedAt: NOW_MS - 1_000,
    ...over,
  };
}

export function messageRecord(over: Partial<MessageRecord> = {}): MessageRecord {
  return {
    id: 'm1',
    seq: 2,
    ordinal: 1,
    author: 'bob',
    authorKind: 'user',
    role: 'user',
    mentions: [],
    createdAt: NOW_MS - 500,
    updatedSeqs: [],
    clock: '2',
    textBytes: 7,
    restBytes: 90,
    ...over,
  };
}

export function traceRecord(over: Partial<TraceRecord> = {}): TraceRecord {
  return {
    id: 't1',
    seq: 2,
    name: 'plan',
    status: 'running',
    author: 'bob',
    authorKind: 'user',
    startedAt: NOW_MS - 500,
    spanUpdates: 0,
    metadataBytes: 2,
    ...over,
  };
}

export function spanRecord(over: Partial<SpanRecord> = {}): SpanRecord {
  return {
    traceSeq: 2,
    spanId: 'a',
    seq: 3,
    ordinal: 1,
    parts: [{ seq: 3, fields: ['name', 'startedAt'], bytes: 60 }],
    updatedSeqs: [],
    ...over,
  };
}

export interface StateSetup {
  session?: Partial<SessionRecord>;
  members?: Readonly<Record<string, MemberRole>>;
  left?: readonly string[];
  messages?: readonly Partial<MessageRecord>[];
  reactions?: readonly Pick<ReactionRecord, 'emoji' | 'userId'>[];
  traces?: readonly Partial<TraceRecord>[];
  spans?: readonly Partial<SpanRecord>[];
  head?: number;
}

/** A state as rows, not as events: what a handler or applier is tested on alone. */
export function stateWith(setup: StateSetup = {}): MemoryState {
  const state = new MemoryState();
  state.putSession(sessionRecord(setup.session));
  const members = setup.members ?? { alice: 'owner', bob: 'member', carol: 'viewer' };
  for (const [userId, role] of Object.entries(members)) {
    const active = !(setup.left ?? []).includes(userId);
    state.putMember({ userId, role, active, kind: 'user', joinedAt: NOW_MS - 1_000, readSeq: 0 });
  }
  for (const message of setup.messages ?? []) state.putMessage(messageRecord(message));
  for (const [index, reaction] of (setup.reactions ?? []).entries())
    state.putReaction({ messageSeq: 2, seq: 3 + index, ...reaction });
  for (const trace of setup.traces ?? []) state.putTrace(traceRecord(trace));
  for (const span of setup.spans ?? []) state.putSpan(spanRecord(span));
  const head = setup.head ?? 1 + (setup.messages ?? []).length;
  state.advance(head, String(head));
  return state;
}

export function contextOf(actor: Actor, over: Partial<DecideContext> = {}): DecideContext {
  return { sessionId: SESSION_ID, actor, nowMs: NOW_MS, newId: () => 'made-id', ...over };
}

/** Runs one handler alone, with the access that the actor has in this state. Throws where it may not even see the session. */
export function run<N extends CommandName>(
  handler: CommandHandler<N>,
  view: SessionView,
  actor: Actor,
  data: CommandDataByName[N],
): Decision {
  const found = readAccess(view, actor.id);
  if (!found.ok) throw new Error('this actor does not see the session: test that in decide.test.ts');
  return handler.decide(view, found.access, data, contextOf(actor));
}

/** `accepted`, `unchanged`, or the code of the refusal. */
export function outcome(decision: Decision): string {
  return decision.kind === 'refused' ? decision.refusal.code : decision.kind;
}

export function eventOf<T extends EventType>(
  type: T,
  data: EventDataByType[T],
  over: Partial<Omit<WholeEventOf<T>, 'type' | 'data'>> = {},
): WholeEventOf<T> {
  // TypeScript cannot see that an envelope of T with T's data is the member T of the union
  return {
    specversion: '1.0',
    id: 'event-9',
    source: `/sessions/${SESSION_ID}`,
    type,
    subject: 'subject',
    time: NOW_TIME,
    datacontenttype: 'application/json',
    dataschema: `http://localhost/schemas/${type}/1`,
    tenant: 'default',
    sessionid: SESSION_ID,
    seq: 9,
    clock: '9',
    actor: 'alice',
    actorkind: 'user',
    correlationid: 'correlation-1',
    causationid: 'command-1',
    data,
    ...over,
  } as unknown as WholeEventOf<T>;
}
