import { describe, expect, test, type TestContext } from 'vitest';
import { allEvents, allMessages, DEEP_MESSAGES, makeDeep, type Deep } from '../deep.ts';
import { passThrough, refusedByHttp } from '../doors.ts';
import { eventually } from '../eventually.ts';
import { ask } from '../http.ts';
import { commandStatus, memberPage, message, messagePage, session, sessionPage, trace } from '../schemas.ts';
import { Scene, type World } from '../scene.ts';

/** What only the store still has, and what is seen without it. */

/** A given system may keep more in its tail, or trim later: there it is not waited for. */
const ownOnly = (world: World, skip: (note?: string) => void): void => {
  if (world.target.own === undefined) skip('parts of a given system are not stopped');
};

export interface Kept {
  deep?: Deep;
}

/** Slow for the 60 s that a tail is kept at least: begun first. */
export function deepSuite(world: World, kept: Kept): void {
  test('a session longer than its tail is read whole from the store', { timeout: 400_000 }, async ({ skip }) => {
    ownOnly(world, skip);
    const deep = await makeDeep(world);
    kept.deep = deep;
    const { scene, kept: first, gone } = deep;
    const events = await allEvents(scene);
    expect(events.map(({ seq }) => seq)).toEqual(Array.from({ length: DEEP_MESSAGES + 5 }, (_, at) => at + 1));
    expect(events[1]).toMatchObject({ subject: first, data: { text: 'the first' } });
    expect(events[2]?.data).toEqual({ id: gone, erased: true });
    const messages = await allMessages(scene);
    expect(messages).toHaveLength(DEEP_MESSAGES + 2);
    expect(messages.map(({ seq }) => seq)).toEqual(messages.map(({ seq }) => seq).toSorted((a, b) => b - a));
    expect(messages.at(-1)).toMatchObject({ id: first, text: 'the first, edited', editedAt: events[3]?.time });
    expect(messages.at(-2)).toMatchObject({ id: gone, text: '', deletedAt: events.at(-1)?.time });
    expect(await scene.read('viewer', `/messages/${first}`, message)).toEqual(messages.at(-1));
    expect(new Set(messages.map(({ text }) => text)).size).toBe(DEEP_MESSAGES + 2);
    const page = await scene.read('viewer', '/messages?limit=1', messagePage);
    expect(page.items[0]).toEqual(messages[0]);
  });
}

/** Stops what was started here, one after the other, and runs alone. */
export function outageSuite(world: World, kept: Kept): void {
  describe('with every consumer stopped', () => {
    test('own writes are seen at once, by every GET', { timeout: 120_000 }, async ({ skip, onTestFinished }) => {
      ownOnly(world, skip);
      await world.target.own?.stop('consumers');
      await ownWrites(world, onTestFinished);
    });

    test(
      'what needs the store is 503 unavailable, never a part of it; the tail is served',
      { timeout: 120_000 },
      async ({ skip }) => {
        ownOnly(world, skip);
        if (kept.deep === undefined) throw new Error('the long session has not been made');
        const { scene, kept: first } = kept.deep;
        const { token } = scene.people.viewer;
        for (const path of ['/events?after=0&limit=10', `/messages/${first}`]) {
          const answer = await ask(world.target.url, 'GET', scene.path + path, { token });
          expect([path, refusedByHttp(answer).problem.code]).toEqual([path, 'unavailable']);
        }
        expect((await scene.read('viewer', '/messages?limit=20', messagePage)).items).toHaveLength(20);
        expect((await ask(world.target.url, 'GET', '/readyz')).status).toBe(503);
        expect((await ask(world.target.url, 'GET', '/healthz')).status).toBe(200);
      },
    );
  });

  describe('with NATS stopped too', () => {
    test('commands are 202, and own writes are seen', { timeout: 120_000 }, async ({ skip, onTestFinished }) => {
      ownOnly(world, skip);
      await world.target.own?.stop('nats');
      await ownWrites(world, onTestFinished);
    });

    test('all of it is persisted once they are back', { timeout: 240_000 }, async ({ skip }) => {
      ownOnly(world, skip);
      const scene = await Scene.make(world);
      const { commandId } = await scene.act('member', 'message.send', { text: 'while all is away' });
      expect(await scene.read('member', `/commands/${commandId}`, commandStatus)).toMatchObject({ status: 'accepted' });
      await world.target.own?.start('nats');
      await world.target.own?.start('consumers');
      await eventually('/readyz is 200', async () => (await ask(world.target.url, 'GET', '/readyz')).status === 200, 120_000);
      await eventually(
        'it is persisted',
        async () => {
          return (await scene.read('member', `/commands/${commandId}`, commandStatus)).status === 'persisted';
        },
        120_000,
      );
    });
  });
}

const AT = '2026-01-02T03:04:05.678Z';

/** Every kind of change, by HTTP and by socket, and every GET after it. */
async function ownWrites(world: World, onTestFinished: TestContext['onTestFinished']): Promise<void> {
  const scene = await Scene.make(world, 'public');
  onTestFinished(() => scene.end());
  const bySocket = {
    as: scene.people.member,
    sessionId: scene.sessionId,
    command: 'message.send',
    data: { text: 'by socket' },
  } as const;
  expect(await passThrough('socket', world, bySocket)).toMatchObject({ kind: 'taken', result: { seq: 2 } });
  const messageId = await scene.message('member', { text: 'by http' });
  await scene.act('member', 'message.edit', { messageId, text: 'edited' });
  await scene.act('other', 'reaction.add', { messageId, emoji: '👍' });
  const gone = await scene.message('other', { parentId: messageId });
  await scene.act('other', 'message.delete', { messageId: gone });
  const { items } = await scene.read('member', '/messages', messagePage);
  expect(items.map(({ text }) => text)).toEqual(['', 'edited', 'by socket']);
  expect(items[1]).toMatchObject({ replyCount: 1, reactions: [{ emoji: '👍', count: 1, mine: false }] });
  expect(await scene.read('member', `/messages/${messageId}`, message)).toEqual(items[1]);
  expect((await scene.events()).at(-1)).toMatchObject({ type: 'message.deleted', subject: gone });

  await scene.act('stranger', 'member.put', { userId: scene.id('stranger'), role: 'member' });
  await scene.act('stranger', 'read.advance', { seq: 3 });
  const members = await scene.read('stranger', '/members?limit=100', memberPage);
  expect(members.items.find(({ user }) => user.id === scene.id('stranger'))).toMatchObject({ role: 'member', readSeq: 3 });
  await scene.act('owner', 'session.update', { title: 'Seen' });
  expect(await scene.read('owner', '', session)).toMatchObject({ title: 'Seen', memberCount: 6 });

  const traceId = await scene.trace('agent', { name: 'a run' });
  await scene.act('agent', 'trace.append', { traceId, spanId: 's', name: 'a span', startedAt: AT });
  await scene.act('agent', 'trace.finish', { traceId, status: 'completed' });
  expect(await scene.read('agent', `/traces/${traceId}`, trace)).toMatchObject({
    name: 'a run',
    status: 'completed',
    spans: [{ spanId: 's' }],
  });
  await listedWrites(world, scene);
}

async function listedWrites(world: World, scene: Scene): Promise<void> {
  const list = async (as: 'owner' | 'stranger') => {
    const answer = await ask(world.target.url, 'GET', '/v1/sessions', { token: scene.people[as].token });
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
    return sessionPage.parse(answer.body).items.find(({ session: { id } }) => id === scene.sessionId);
  };
  await eventually('the creator’s list', () => list('owner'), 2_000);
  await eventually('the list of who joined', () => list('stranger'), 2_000);
  const head = (await scene.head()) ?? 0;
  await scene.act('stranger', 'read.advance', { seq: head });
  await eventually('nothing unread', async () => (await list('stranger'))?.unread === 0, 2_000);
  await scene.act('stranger', 'member.remove', { userId: scene.id('stranger') });
  await eventually('who left has it no more', async () => (await list('stranger')) === undefined, 2_000);
}
