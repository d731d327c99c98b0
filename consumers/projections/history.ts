import type { HistoryStore, HistoryWrite, RowWriteOf, SessionKey } from '../stores/history/port.ts';
import {
  ERASED_DATA,
  ERASED_MESSAGE_CELLS,
  ERASED_SPAN_CELLS,
  ERASED_TRACE_CELLS,
  type CellsOf,
} from '../stores/history/tables.ts';
import type { SpanData } from '../../shared/core/trace.ts';
import { isErased, type Event, type EventType, type WholeEvent, type WholeEventOf } from '../../shared/core/types.ts';
import type { Delivery, Outcome, Projection } from '../runtime/projection.ts';

/** The first read model: the archive of whole events, and the rows that pages and lists are made of. */

/** the durable that feeds this read model */
export const HISTORY_DURABLE = 'history';

/** What an event of a type writes besides its archive row. Pure, and knows nothing but the event (design decision 5). */
type RowsOf = { [T in EventType]: (event: WholeEventOf<T>, session: SessionKey, clock: bigint) => HistoryWrite[] };

type MemberEvent = WholeEventOf<'member.added' | 'member.updated' | 'member.removed'>;

export const ROWS_OF: RowsOf = {
  'session.created': (event, session, clock) => {
    const { members, ...fields } = event.data;
    const cells = { ...sessionCells(fields), status: 'active', createdAt: event.time, updatedAt: event.time, version: clock };
    return [
      { kind: 'row', table: 'sessions', key: session, cells, clock },
      ...members.map(({ userId, role }) => memberRow(session, userId, { role, active: true, joinedAt: event.time }, clock)),
    ];
  },
  'session.updated': (event, session, clock) => sessionRow(event, session, sessionCells(event.data), clock),
  'session.archived': (event, session, clock) => sessionRow(event, session, { status: 'archived' }, clock),
  'session.restored': (event, session, clock) => sessionRow(event, session, { status: 'active' }, clock),
  'session.deleted': (event, session, clock) => [
    ...sessionRow(event, session, { title: '', description: '', metadata: '{}', status: 'deleted' }, clock),
    { kind: 'eraseSession', ...session, belowSeq: event.seq, clock },
  ],
  'member.added': (event, session, clock) => memberRows(event, session, { active: true, joinedAt: event.time }, clock),
  'member.updated': (event, session, clock) => memberRows(event, session, { active: true }, clock),
  'member.removed': (event, session, clock) => memberRows(event, session, { active: false }, clock),
  'message.created': ({ data, actor, seq }, session, clock) => {
    const cells: CellsOf<'messages'> = {
      id: data.id,
      ordinal: data.ordinal,
      author: actor,
      role: data.role,
      ...(data.name === undefined ? {} : { name: data.name }),
      text: data.text,
      status: data.status,
      ...(data.parentId === undefined ? {} : { parentId: data.parentId }),
      ...(data.toolCallId === undefined ? {} : { toolCallId: data.toolCallId }),
      mentions: JSON.stringify(data.mentions),
      metadata: JSON.stringify(data.metadata),
      createdAt: data.createdAt,
      version: clock,
    };
    return [{ kind: 'row', table: 'messages', key: { ...session, seq }, cells, clock }];
  },
  // not the address: without status and metadata the row would pass for a whole message
  'message.updated': ({ data, time }, session, clock) => [
    {
      kind: 'row',
      table: 'messages',
      key: { ...session, seq: data.messageSeq },
      cells: { text: data.text, editedAt: time, version: clock },
      clock,
    },
  ],
  // the whole stub: the creation it erases may never come, or come erased
  'message.deleted': ({ data, time }, session, clock) => {
    const cells: CellsOf<'messages'> = {
      id: data.id,
      author: data.author,
      role: data.role,
      ...(data.name === undefined ? {} : { name: data.name }),
      ...(data.parentId === undefined ? {} : { parentId: data.parentId }),
      ...ERASED_MESSAGE_CELLS,
      createdAt: data.createdAt,
      deletedAt: time,
      version: clock,
    };
    return [
      { kind: 'row', table: 'messages', key: { ...session, seq: data.messageSeq }, cells, clock },
      ...erasedEvents(session, [data.messageSeq, ...(data.updatedSeqs ?? [])], clock),
    ];
  },
  'reaction.added': (event, session, clock) => reactionRow(event, session, true, clock),
  'reaction.removed': (event, session, clock) => reactionRow(event, session, false, clock),
  'trace.started': ({ data, actor, seq, time }, session, clock) => {
    const { id, name, metadata } = data;
    const cells = {
      id,
      author: actor,
      name,
      status: 'running',
      metadata: JSON.stringify(metadata),
      startedAt: time,
      version: clock,
    };
    return [{ kind: 'row', table: 'traces', key: { ...session, seq }, cells, clock }];
  },
  'trace.span': ({ data, seq }, session, clock) => {
    const { traceId, traceSeq, spanSeq, span } = data;
    const cells = { traceId, traceSeq, ...spanCells(span), active: true, version: clock };
    return [{ kind: 'row', table: 'spans', key: { ...session, seq: spanSeq ?? seq }, cells, clock }];
  },
  'trace.finished': ({ data, time }, session, clock) => {
    const { traceSeq, status, error, durationMs } = data;
    const cells = { status, ...(error === undefined ? {} : { error }), finishedAt: time, durationMs, version: clock };
    return [{ kind: 'row', table: 'traces', key: { ...session, seq: traceSeq }, cells, clock }];
  },
  // not startedAt, which would make a row of a trace whose start never came
  'trace.purged': ({ data, time }, session, clock) => {
    const { traceSeq, finishedSeq, spanSeqs = [], updatedSeqs = [] } = data;
    const cells = { ...ERASED_TRACE_CELLS, status: 'purged', purgedAt: time, version: clock };
    const covered = [traceSeq, ...spanSeqs, ...updatedSeqs, ...(finishedSeq === undefined ? [] : [finishedSeq])];
    return [
      { kind: 'row', table: 'traces', key: { ...session, seq: traceSeq }, cells, clock },
      ...spanSeqs.map((seq): HistoryWrite => {
        return { kind: 'row', table: 'spans', key: { ...session, seq }, cells: { ...ERASED_SPAN_CELLS, version: clock }, clock };
      }),
      ...erasedEvents(session, covered, clock),
    ];
  },
};

/** When the event was stored by JetStream, and when it is being written; epoch milliseconds. */
export interface Times {
  publishedAtMs: number;
  persistedAtMs: number;
}

/**
 * Everything an event writes, each cell at the event's clock. The archive keeps it as it was `stored`, for a seq has one value
 * for ever; the other rows are made of its newest version. An erased event is archived as it is and writes nothing else. The
 * archive's row comes first.
 */
export function rowsOf(event: Event, { publishedAtMs, persistedAtMs }: Times, stored: Event = event): HistoryWrite[] {
  const session: SessionKey = { tenant: event.tenant, sessionId: event.sessionid };
  const clock = BigInt(event.clock);
  const { data, ...envelope } = stored;
  const archived: RowWriteOf<'events'> = {
    kind: 'row',
    table: 'events',
    key: { ...session, seq: event.seq },
    cells: {
      envelope: JSON.stringify(envelope),
      data: isErased(event) ? ERASED_DATA : JSON.stringify(data),
      publishedAt: publishedAtMs,
      persistedAt: persistedAtMs,
    },
    clock,
  };
  if (isErased(event)) return [archived];
  // the table pairs each type with its function, which the compiler cannot follow through an index
  const rows = ROWS_OF[event.type] as (event: WholeEvent, session: SessionKey, clock: bigint) => HistoryWrite[];
  return [archived, ...rows(event, session, clock)];
}

export function historyProjection(store: HistoryStore, now: () => number): Projection {
  return writing(store, ({ event, stored, publishedAtMs }) => rowsOf(event, { publishedAtMs, persistedAtMs: now() }, stored));
}

/**
 * Writes everything but the archive anew, for what comes from there: in place, for rows of an event are the same whenever they
 * are written, with the event's own clock, and what was written or erased later wins as it did.
 */
export function historyInPlace(store: HistoryStore): Projection {
  return writing(store, ({ event }) => rowsOf(event, { publishedAtMs: 0, persistedAtMs: 0 }).slice(1));
}

function writing(store: HistoryStore, writesOf: (delivery: Delivery) => readonly HistoryWrite[]): Projection {
  return {
    name: HISTORY_DURABLE,
    types: 'all',
    // its writes come in rounds, each of which waits for its last one: another batch fills the time
    batchesAtOnce: 3,
    async handle(batch) {
      const writes: HistoryWrite[] = [];
      const outcomes = batch.map((delivery): Outcome => {
        try {
          writes.push(...writesOf(delivery));
          return { kind: 'ok' };
        } catch (error) {
          // pure code: it would throw every time
          return { kind: 'poison', reason: 'projection_failed', detail: error instanceof Error ? error.name : 'error' };
        }
      });
      await store.write(writes);
      return outcomes;
    },
    async healthy() {
      try {
        await store.health();
        return true;
      } catch {
        return false;
      }
    },
  };
}

function erasedEvents(session: SessionKey, seqs: readonly number[], clock: bigint): HistoryWrite[] {
  return [...new Set(seqs)].map((seq) => {
    return { kind: 'row', table: 'events', key: { ...session, seq }, cells: { data: ERASED_DATA }, clock };
  });
}

function reactionRow(
  { data }: WholeEventOf<'reaction.added' | 'reaction.removed'>,
  session: SessionKey,
  active: boolean,
  clock: bigint,
): HistoryWrite[] {
  const { messageId, messageSeq, emoji, userId } = data;
  const key = { ...session, messageSeq, emoji, userId };
  return [{ kind: 'row', table: 'reactions', key, cells: { messageId, active, version: clock }, clock }];
}

/** Only what this part of the span has: the other cells stay as earlier or later parts wrote them. By name, for events may have more. */
function spanCells({ spanId, parentSpanId, name, kind, status, startedAt, endedAt, ...json }: SpanData): CellsOf<'spans'> {
  const { input, output, metadata } = json;
  return {
    spanId,
    ...(parentSpanId === undefined ? {} : { parentSpanId }),
    name,
    ...(kind === undefined ? {} : { kind }),
    ...(status === undefined ? {} : { status }),
    startedAt,
    ...(endedAt === undefined ? {} : { endedAt }),
    ...(input === undefined ? {} : { input: JSON.stringify(input) }),
    ...(output === undefined ? {} : { output: JSON.stringify(output) }),
    ...(metadata === undefined ? {} : { metadata: JSON.stringify(metadata) }),
  };
}

function sessionCells(fields: {
  title: string;
  description: string;
  visibility: string;
  metadata: unknown;
}): CellsOf<'sessions'> {
  const { title, description, visibility, metadata } = fields;
  return { title, description, visibility, metadata: JSON.stringify(metadata) };
}

function sessionRow(event: WholeEvent, session: SessionKey, cells: CellsOf<'sessions'>, clock: bigint): HistoryWrite[] {
  return [{ kind: 'row', table: 'sessions', key: session, cells: { ...cells, updatedAt: event.time, version: clock }, clock }];
}

function memberRow(session: SessionKey, userId: string, cells: CellsOf<'members'>, clock: bigint): HistoryWrite {
  return { kind: 'row', table: 'members', key: { ...session, userId }, cells: { ...cells, version: clock }, clock };
}

function memberRows(event: MemberEvent, session: SessionKey, cells: CellsOf<'members'>, clock: bigint): HistoryWrite[] {
  const { userId, role } = event.data;
  return [memberRow(session, userId, { role, ...cells }, clock)];
}
