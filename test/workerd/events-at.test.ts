import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { expect, test } from 'vitest';
import { isErased } from '../../shared/core/types.ts';
import type { EventsAt } from '../../worker/session/api.ts';
import { alice, TestSession } from './support.ts';

const eventsAt = async (session: TestSession, ...seqs: number[]): Promise<EventsAt> =>
  session.stub().eventsAt(session.identity, seqs);

test('a session that never was has no events, and reading makes none', async () => {
  const session = new TestSession();
  expect(await eventsAt(session, 1)).toMatchObject({ events: [], archivedSeqs: [], isDeleted: false });
  const tables = await runInDurableObject(session.stub(), (_instance, state) =>
    state.storage.sql.exec(`SELECT name FROM sqlite_master WHERE name = 'events'`).toArray(),
  );
  expect(tables).toEqual([]);
});

test('what is here comes as it is now: whole, or erased; what never was is left out', async () => {
  const session = new TestSession();
  await session.create();
  await session.send(alice, 'stays', { id: 'm1' });
  await session.send(alice, 'goes', { id: 'm2' });
  await session.must(alice, { name: 'message.delete', data: { messageId: 'm2' } });
  const { events, archivedSeqs } = await eventsAt(session, 2, 3, 4, 5, 99);
  expect(events.map(({ seq, type }) => `${seq} ${type}`)).toEqual([
    '2 message.created',
    '3 message.created',
    '4 message.deleted',
  ]);
  expect(events[0]?.data).toMatchObject({ text: 'stays' });
  expect(events[1]?.data).toEqual({ id: 'm2', erased: true });
  expect(archivedSeqs).toEqual([]);
});

test('of a deleted session everything is erased but its end', async () => {
  const session = new TestSession();
  await session.create();
  await session.send(alice, 'goes', { id: 'm1' });
  await session.must(alice, { name: 'session.delete', data: {} });
  const { events, isDeleted } = await eventsAt(session, 1, 2, 3);
  expect(isDeleted).toBe(true);
  expect(events.map((event) => isErased(event))).toEqual([true, true, false]);
});

test('what left the tail is to be read in the archive, with the erasures that it may not have seen', async () => {
  const session = new TestSession();
  await session.create();
  await session.send(alice, 'old', { id: 'm1' });
  await session.send(alice, 'newer', { id: 'm2' });
  await session.must(alice, { name: 'message.delete', data: { messageId: 'm1' } });
  await session.must(alice, { name: 'trace.start', data: { id: 't1', name: 'plan' } });
  // as after a trim: the rows are gone, and the object that wakes finds its floor
  await runInDurableObject(session.stub(), (_instance, state) => {
    state.storage.sql.exec(`DELETE FROM events WHERE seq < 3`);
  });
  await evictDurableObject(session.stub());
  expect(await eventsAt(session, 1, 2, 3, 9)).toMatchObject({
    events: [{ seq: 3 }],
    archivedSeqs: [1, 2],
    erasedSubjects: ['m1'],
    erasedTraces: [],
  });
});
