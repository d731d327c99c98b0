import { describe, expect, it } from 'vitest';
import { SEARCHED_TYPES, searchProjection, searchWriteOf } from '../../../consumers/projections/search.ts';
import type { SearchStore, SearchWrite } from '../../../consumers/stores/search/port.ts';
import type { Event, EventType } from '../../../shared/core/types.ts';
import { anEvent, CLOCK_BASE, DATA_OF } from '../../contracts/events.ts';

const SESSION = { tenant: 'default', sessionId: 's1' };
const SENT_AT_MS = Date.parse('2026-01-02T03:04:05.006Z');

describe('what an event writes to the search index', () => {
  it('a message: all of its document, of its creation and of each edit alike', () => {
    const created = searchWriteOf(anEvent('message.created', { seq: 3, data: { text: 'first', parentId: 'm0' } }));
    const content = { seq: 3, author: 'alice', role: 'user', mentions: ['bob'], sentAtMs: SENT_AT_MS, parentId: 'm0' };
    expect(created).toEqual({
      kind: 'document',
      ...SESSION,
      messageId: 'm1',
      clock: CLOCK_BASE + 3n,
      content: { ...content, text: 'first' },
    });
    const edit = anEvent('message.updated', { seq: 9, data: { messageSeq: 3, text: 'second', parentId: 'm0' } });
    // who edits for somebody is not who wrote it
    expect(searchWriteOf({ ...edit, actor: 'service' })).toEqual({
      kind: 'document',
      ...SESSION,
      messageId: 'm1',
      clock: CLOCK_BASE + 9n,
      content: { ...content, text: 'second' },
    });
  });

  it('a deletion, and what was erased: a stub', () => {
    const stub = { kind: 'document', ...SESSION, messageId: 'm1', clock: CLOCK_BASE + 9n };
    expect(searchWriteOf(anEvent('message.deleted', { seq: 9 }))).toEqual(stub);
    for (const type of ['message.created', 'message.updated', 'message.deleted'] as const) {
      const erased = { ...anEvent(type, { seq: 9 }), data: { id: 'm1', erased: true } } as Event;
      expect(searchWriteOf(erased)).toEqual(stub);
    }
    expect(searchWriteOf(anEvent('session.deleted', { seq: 9 }))).toEqual({
      kind: 'eraseSession',
      ...SESSION,
      clock: CLOCK_BASE + 9n,
    });
  });

  it('nothing of any other type, which the durable does not bring', () => {
    const others = (Object.keys(DATA_OF) as EventType[]).filter((type) => !(SEARCHED_TYPES as EventType[]).includes(type));
    expect(others).toHaveLength(13);
    for (const type of others) expect(searchWriteOf(anEvent(type, { seq: 1 }))).toBeUndefined();
    const erased = { ...anEvent('trace.started', { seq: 9 }), data: { id: 't1', erased: true } } as Event;
    expect(searchWriteOf(erased)).toBeUndefined();
  });
});

describe('the projection', () => {
  function storeOf(written: SearchWrite[], rejectedAt?: number): SearchStore {
    return {
      seenAfterMs: 0,
      async write(batch) {
        written.push(...batch);
        const rejected = rejectedAt === undefined ? [] : ([[rejectedAt, { reason: 'mapper_parsing_exception' }]] as const);
        return await Promise.resolve(new Map(rejected));
      },
      find: async () => await Promise.reject(new Error('nobody asks')),
      health: async () => await Promise.reject(new Error('away')),
      close: async () => await Promise.resolve(),
    };
  }

  it('makes one poison of the document that is refused, among events that write nothing', async () => {
    const written: SearchWrite[] = [];
    const events = [
      anEvent('member.added', { seq: 1 }),
      anEvent('message.created', { seq: 2 }),
      anEvent('message.created', { seq: 3 }),
    ];
    const batch = events.map((event) => ({ event, publishedAtMs: 1 }));
    expect(await searchProjection(storeOf(written, 1)).handle(batch)).toEqual([
      { kind: 'ok' },
      { kind: 'ok' },
      { kind: 'poison', reason: 'index_rejected', detail: 'mapper_parsing_exception' },
    ]);
    expect(written).toHaveLength(2);
    expect(await searchProjection(storeOf(written)).healthy()).toBe(false);
  });
});
