import { describe, expect, it } from 'vitest';
import { ROWS_OF, rowsOf } from '../../../consumers/projections/history.ts';
import { ERASED_SPAN_CELLS, HISTORY_TABLES } from '../../../consumers/stores/history/tables.ts';
import type { HistoryWrite } from '../../../consumers/stores/history/port.ts';
import { EVENT_TYPES } from '../../../shared/contract/event-schema.ts';
import type { Event, EventType } from '../../../shared/core/types.ts';
import { anEvent, CLOCK_BASE } from '../../contracts/events.ts';

const SESSION = { tenant: 'default', sessionId: 's1' };
const SEQ = 7;
const CLOCK = CLOCK_BASE + BigInt(SEQ);
const TIMES = { publishedAtMs: 10, persistedAtMs: 20 };

function othersOf(event: Event): HistoryWrite[] {
  return rowsOf(event, TIMES).slice(1);
}

const row = (table: string, key: object, cells: object) => ({
  kind: 'row',
  table,
  key: { ...SESSION, ...key },
  cells,
  clock: CLOCK,
});

/** One check per event type: a type without one does not compile. */
const CHECKS: Record<EventType, () => void> = {
  'session.created': () => {
    const event = anEvent('session.created', { seq: SEQ });
    expect(othersOf(event)).toEqual([
      row(
        'sessions',
        {},
        {
          title: 'Kitchen',
          description: '',
          visibility: 'private',
          metadata: '{}',
          status: 'active',
          createdAt: event.time,
          updatedAt: event.time,
          version: CLOCK,
        },
      ),
      row('members', { userId: 'alice' }, { role: 'owner', active: true, joinedAt: event.time, version: CLOCK }),
    ]);
  },
  'session.updated': () => {
    const event = anEvent('session.updated', { seq: SEQ });
    const cells = {
      title: 'Cellar',
      description: 'cool',
      visibility: 'private',
      metadata: '{"a":1}',
      updatedAt: event.time,
      version: CLOCK,
    };
    expect(othersOf(event)).toEqual([row('sessions', {}, cells)]);
  },
  'session.archived': () => {
    const event = anEvent('session.archived', { seq: SEQ });
    expect(othersOf(event)).toEqual([row('sessions', {}, { status: 'archived', updatedAt: event.time, version: CLOCK })]);
  },
  'session.restored': () => {
    const event = anEvent('session.restored', { seq: SEQ });
    expect(othersOf(event)).toEqual([row('sessions', {}, { status: 'active', updatedAt: event.time, version: CLOCK })]);
  },
  'session.deleted': () => {
    const event = anEvent('session.deleted', { seq: SEQ });
    const cells = { title: '', description: '', metadata: '{}', status: 'deleted', updatedAt: event.time, version: CLOCK };
    expect(othersOf(event)).toEqual([
      row('sessions', {}, cells),
      { kind: 'eraseSession', ...SESSION, belowSeq: SEQ, clock: CLOCK },
    ]);
  },
  'member.added': () => {
    const event = anEvent('member.added', { seq: SEQ });
    const cells = { role: 'member', active: true, joinedAt: event.time, version: CLOCK };
    expect(othersOf(event)).toEqual([row('members', { userId: 'bob' }, cells)]);
  },
  'member.updated': () => {
    const event = anEvent('member.updated', { seq: SEQ });
    expect(othersOf(event)).toEqual([row('members', { userId: 'bob' }, { role: 'viewer', active: true, version: CLOCK })]);
  },
  'member.removed': () => {
    const event = anEvent('member.removed', { seq: SEQ });
    expect(othersOf(event)).toEqual([row('members', { userId: 'bob' }, { role: 'viewer', active: false, version: CLOCK })]);
  },
  'message.created': () => {
    const event = anEvent('message.created', { seq: SEQ, data: { parentId: 'm0', toolCallId: 't1' } });
    const cells = {
      id: 'm1',
      ordinal: 1,
      author: 'alice',
      role: 'user',
      text: 'hello',
      status: 'completed',
      parentId: 'm0',
      toolCallId: 't1',
      mentions: '["bob"]',
      metadata: '{"k":"v"}',
      createdAt: event.data.createdAt,
      version: CLOCK,
    };
    expect(othersOf(event)).toEqual([row('messages', { seq: SEQ }, cells)]);
  },
  'message.updated': () => {
    const event = anEvent('message.updated', { seq: SEQ, data: { messageSeq: 3 } });
    expect(othersOf(event)).toEqual([row('messages', { seq: 3 }, { text: 'hello again', editedAt: event.time, version: CLOCK })]);
  },
  'message.deleted': () => {
    const event = anEvent('message.deleted', { seq: SEQ, data: { messageSeq: 3, updatedSeqs: [5, 6] } });
    const cells = {
      id: 'm1',
      author: 'alice',
      role: 'user',
      text: '',
      toolCallId: '',
      mentions: '[]',
      metadata: '{}',
      createdAt: event.data.createdAt,
      deletedAt: event.time,
      version: CLOCK,
    };
    const erasures = [3, 5, 6].map((seq) => row('events', { seq }, { data: '{"erased":true}' }));
    expect(othersOf(event)).toEqual([row('messages', { seq: 3 }, cells), ...erasures]);
  },
  'reaction.added': () => {
    const event = anEvent('reaction.added', { seq: SEQ });
    const cells = { messageId: 'm1', active: true, version: CLOCK };
    expect(othersOf(event)).toEqual([row('reactions', { messageSeq: 1, emoji: '👍', userId: 'bob' }, cells)]);
  },
  'reaction.removed': () => {
    const event = anEvent('reaction.removed', { seq: SEQ });
    const cells = { messageId: 'm1', active: false, version: CLOCK };
    expect(othersOf(event)).toEqual([row('reactions', { messageSeq: 1, emoji: '👍', userId: 'bob' }, cells)]);
  },
  'trace.started': () => {
    const event = anEvent('trace.started', { seq: SEQ });
    const cells = {
      id: 't1',
      author: 'alice',
      name: 'plan',
      status: 'running',
      metadata: '{"k":"v"}',
      startedAt: event.time,
      version: CLOCK,
    };
    expect(othersOf(event)).toEqual([row('traces', { seq: SEQ }, cells)]);
  },
  'trace.span': () => {
    const span = { spanId: 'a', name: 'search', startedAt: '2026-01-02T03:04:05.006Z', later: 1 };
    const written = { traceId: 't1', traceSeq: 1, spanId: 'a', name: 'search', startedAt: span.startedAt };
    const first = anEvent('trace.span', { seq: SEQ, data: { span: { ...span, kind: 'tool', input: null } } });
    const cells = { ...written, kind: 'tool', input: 'null', active: true, version: CLOCK };
    expect(othersOf(first)).toEqual([row('spans', { seq: SEQ }, cells)]);
    // not its input, nor its kind: those stay as the first part wrote them
    const more = { parentSpanId: 'p', status: 'ok', endedAt: span.startedAt, output: [1], metadata: { k: 1 } };
    const further = anEvent('trace.span', { seq: SEQ, data: { spanSeq: 3, span: { ...span, ...more } } });
    expect(othersOf(further)).toEqual([
      row('spans', { seq: 3 }, { ...written, ...more, output: '[1]', metadata: '{"k":1}', active: true, version: CLOCK }),
    ]);
  },
  'trace.finished': () => {
    const event = anEvent('trace.finished', { seq: SEQ, data: { traceSeq: 3, status: 'failed', error: 'no net' } });
    const cells = { status: 'failed', error: 'no net', finishedAt: event.time, durationMs: 5, version: CLOCK };
    expect(othersOf(event)).toEqual([row('traces', { seq: 3 }, cells)]);
  },
  'trace.purged': () => {
    const covered = { finishedSeq: 6, spanSeqs: [4], updatedSeqs: [5] };
    const event = anEvent('trace.purged', { seq: SEQ, data: { traceSeq: 3, ...covered } });
    const cells = { name: '', metadata: '{}', error: '', status: 'purged', purgedAt: event.time, version: CLOCK };
    const erasures = [3, 4, 5, 6].map((seq) => row('events', { seq }, { data: '{"erased":true}' }));
    expect(othersOf(event)).toEqual([
      row('traces', { seq: 3 }, cells),
      row('spans', { seq: 4 }, { ...ERASED_SPAN_CELLS, version: CLOCK }),
      ...erasures,
    ]);
    // no cell of a span keeps what somebody wrote into it
    expect(Object.keys(ERASED_SPAN_CELLS).toSorted()).toEqual(
      Object.keys(HISTORY_TABLES.spans.cells)
        .filter((cell) => !['traceId', 'traceSeq', 'version'].includes(cell))
        .toSorted(),
    );
  },
};

describe('rows of each event type', () => {
  it.each(Object.entries(CHECKS))('%s', (_type, check) => check());

  it('names every event type there is', () => {
    expect(Object.keys(CHECKS).toSorted()).toEqual([...EVENT_TYPES].toSorted());
    expect(Object.keys(ROWS_OF).toSorted()).toEqual([...EVENT_TYPES].toSorted());
  });

  it.each(EVENT_TYPES)('%s is archived, data apart from its envelope', (type) => {
    const event = anEvent(type, { seq: SEQ });
    const { data, ...envelope } = event as Event;
    const cells = { envelope: JSON.stringify(envelope), data: JSON.stringify(data), publishedAt: 10, persistedAt: 20 };
    expect(rowsOf(event, TIMES)[0]).toEqual(row('events', { seq: SEQ }, cells));
  });

  it.each(EVENT_TYPES)('%s erased is archived erased, and writes nothing else', (type) => {
    const event = { ...anEvent(type, { seq: SEQ }), data: { id: 'm1', erased: true } } as Event;
    const writes = rowsOf(event, TIMES);
    expect(writes).toHaveLength(1);
    expect(writes[0]).toMatchObject({ table: 'events', cells: { data: '{"erased":true}' } });
  });
});
