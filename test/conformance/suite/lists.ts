import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { refusedByHttp } from '../doors.ts';
import { eventually } from '../eventually.ts';
import { ask } from '../http.ts';
import type { Person } from '../people.ts';
import { inboxFrame, sessionPage, trace } from '../schemas.ts';
import { Scene, type RoleName, type World } from '../scene.ts';
import { Connection, ticketOf } from '../socket.ts';

const AT = '2026-01-02T03:04:05.678Z';
/** the contract gives GET /v1/sessions this long for the caller's own changes */
const OWN_CHANGES_MS = 2_000;

type Listed = z.infer<typeof sessionPage>['items'][number];

async function listOf(world: World, who: Person, query = ''): Promise<z.infer<typeof sessionPage>> {
  const answer = await ask(world.target.url, 'GET', `/v1/sessions${query}`, { token: who.token });
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return sessionPage.parse(answer.body);
}

export function listSuite(world: World): void {
  const listed = async (scene: Scene, as: RoleName): Promise<Listed | undefined> => {
    const { items } = await listOf(world, scene.people[as]);
    return items.find(({ session }) => session.id === scene.sessionId);
  };
  describe('the list of sessions', () => {
    ownTests(world, listed);
    unreadTests(world, listed);
  });
  describe('the inbox', () => inboxTests(world));
  describe('traces', () => traceTests(world));
}

type Find = (scene: Scene, as: RoleName) => Promise<Listed | undefined>;

function ownTests(world: World, listed: Find): void {
  test('shows one’s own creates, joins, leaves and reads within 2 s', async () => {
    const scene = await Scene.make(world, 'public');
    await eventually('the creator has it', () => listed(scene, 'owner'), OWN_CHANGES_MS);
    await scene.act('stranger', 'member.put', { userId: scene.id('stranger'), role: 'member' });
    const joined = await eventually('who joined has it', () => listed(scene, 'stranger'), OWN_CHANGES_MS);
    expect(joined.session).toMatchObject({ id: scene.sessionId, role: 'member', visibility: 'public' });
    await scene.act('stranger', 'member.remove', { userId: scene.id('stranger') });
    await eventually('who left has it no more', async () => (await listed(scene, 'stranger')) === undefined, OWN_CHANGES_MS);
    await scene.message('other');
    await eventually('it is unread', async () => (await listed(scene, 'viewer'))?.unread === 1);
    await scene.act('viewer', 'read.advance', { seq: (await scene.head()) ?? 0 });
    await eventually('it is read', async () => (await listed(scene, 'viewer'))?.unread === 0, OWN_CHANGES_MS);
    await scene.act('owner', 'session.delete');
    await eventually('who deleted it has it no more', async () => (await listed(scene, 'owner')) === undefined, OWN_CHANGES_MS);
  });

  test('is newest activity first, and paged', async () => {
    const scenes = [await Scene.make(world), await Scene.make(world), await Scene.make(world)];
    const [who] = scenes.map(({ people }) => people.stranger);
    if (who === undefined) throw new Error('nobody');
    for (const scene of scenes) await scene.act('owner', 'member.put', { userId: who.id, role: 'viewer' });
    const ids = scenes.map(({ sessionId }) => sessionId);
    const order = async (): Promise<string[]> => (await listOf(world, who)).items.map(({ session }) => session.id);
    await eventually('all three', async () => (await order()).length === 3);
    for (const at of [1, 0, 2]) await scenes[at]?.message('owner');
    const expected = [ids[2], ids[0], ids[1]];
    await eventually('newest activity first', async () => (await order()).join() === expected.join());
    const first = await listOf(world, who, '?limit=2');
    const second = await listOf(world, who, `?limit=2&cursor=${encodeURIComponent(first.nextCursor ?? '')}`);
    expect([...first.items, ...second.items].map(({ session }) => session.id)).toEqual(expected);
    expect(second.nextCursor).toBeUndefined();
    for (const query of ['?limit=0', '?limit=101', '?cursor=forged']) {
      const answer = await ask(world.target.url, 'GET', `/v1/sessions${query}`, { token: who.token });
      expect([query, refusedByHttp(answer).problem.code]).toEqual([query, 'invalid_request']);
    }
  });
}

function unreadTests(world: World, listed: Find): void {
  test('counts what is unread, and mentions, and shows the last message', async () => {
    const scene = await Scene.make(world);
    await scene.message('member', { text: 'one' });
    await scene.message('member', { text: 'two', mentions: [scene.id('viewer')] });
    const found = await eventually('two unread', async () => {
      const row = await listed(scene, 'viewer');
      return row?.unread === 2 && row.mentions === 1 && row;
    });
    expect(found.lastMessage).toMatchObject({ text: 'two', author: { id: scene.id('member') } });
    await scene.act('viewer', 'read.advance', { seq: 3 });
    await eventually('none unread', async () => {
      const row = await listed(scene, 'viewer');
      return row?.unread === 0 && row.mentions === 0;
    });
  });

  test('stops counting at 100', async () => {
    const scene = await Scene.make(world);
    const senders = ['owner', 'member', 'other', 'agent'] as const;
    await Promise.all(Array.from({ length: 104 }, (_, at) => scene.message(senders[at % 4])));
    await eventually('100 or more', async () => (await listed(scene, 'viewer'))?.unread === 100);
  });
}

function inboxTests(world: World): void {
  const inboxOf = async (who: Person, after?: number): Promise<z.infer<typeof inboxFrame>> => {
    const answer = await ask(world.target.url, 'GET', `/v1/inbox${after === undefined ? '' : `?after=${after}`}`, {
      token: who.token,
    });
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
    return inboxFrame.parse({ type: 'inbox', ...(answer.body as object) });
  };

  test('is told by socket what changes, and can be resumed', async ({ onTestFinished }) => {
    const scene = await Scene.make(world);
    const who = scene.people.viewer;
    await eventually('the session is in it', async () =>
      (await inboxOf(who)).items.some(({ sessionId }) => sessionId === scene.sessionId),
    );
    const { rev } = await inboxOf(who);
    const ticket = await ticketOf(world.target, who, '/v1/inbox');
    const socket = await Connection.to(world.target.url, `/v1/inbox/socket?after=${rev}`, { ticket });
    onTestFinished(() => socket.close());
    await scene.message('member', { text: 'x', mentions: [who.id] });
    const frames = () => socket.frames.flatMap((frame) => (frame.type === 'inbox' ? [frame] : []));
    const frame = await eventually(`it is told; faults: ${socket.faults.join('; ')}`, () =>
      frames().find(({ items }) => items.some(({ unread, mentions }) => unread === 1 && mentions === 1)),
    );
    expect(frame.items).toEqual([expect.objectContaining({ sessionId: scene.sessionId, unread: 1, mentions: 1, head: 2 })]);
    expect(frame.rev).toBeGreaterThan(rev);
    const since = await inboxOf(who, rev);
    expect(since.items).toMatchObject([{ sessionId: scene.sessionId, unread: 1 }]);
    expect((await inboxOf(who, since.rev)).items).toEqual([]);
    await scene.act('owner', 'member.remove', { userId: who.id });
    await eventually('it says that the session is gone', () =>
      frames().some(({ items }) => items.some(({ removed }) => removed)),
    );
    expect(socket.faults).toEqual([]);
  });

  test('is refused without a ticket', async () => {
    const answer = await ask(world.target.url, 'POST', '/v1/inbox/tickets');
    expect(refusedByHttp(answer).problem.code).toBe('unauthenticated');
    await expect(Connection.to(world.target.url, '/v1/inbox/socket', { ticket: 'none' })).rejects.toThrow('no socket');
  });
}

const traceWithSpans = trace.and(
  z.looseObject({ spans: z.union([z.array(z.looseObject({ spanId: z.string() })), z.looseObject({})]) }),
);

function traceTests(world: World): void {
  test('are listed, and one has its spans, by pages', async () => {
    const scene = await Scene.make(world);
    const [first, second] = [await scene.trace('agent', { name: 'first' }), await scene.trace('agent', { name: 'second' })];
    const spanIds: string[] = [];
    for (let at = 0; at < 5; at += 1) {
      spanIds.push(`span-${at}`);
      await scene.act('agent', 'trace.append', {
        traceId: first,
        spanId: `span-${at}`,
        name: `s ${at}`,
        startedAt: AT,
        input: { at },
      });
    }
    await scene.act('agent', 'trace.finish', { traceId: first, status: 'failed', error: 'it broke' });
    const list = await scene.read('viewer', '/traces', z.looseObject({ items: z.array(trace) }));
    expect(list.items.map(({ id }) => id).toSorted()).toEqual([first, second].toSorted());
    const seen: string[] = [];
    let cursor: string | undefined;
    for (let pages = 0; pages < 6; pages += 1) {
      const query = `?limit=2${cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`}`;
      const page = await scene.read('viewer', `/traces/${first}${query}`, traceWithSpans);
      expect(page).toMatchObject({ id: first, name: 'first', status: 'failed', error: 'it broke' });
      const spans = z.array(z.looseObject({ spanId: z.string() })).parse(page.spans);
      expect(spans.length).toBeLessThanOrEqual(2);
      seen.push(...spans.map(({ spanId }) => spanId));
      cursor = z.string().optional().parse(page['nextCursor']);
      if (cursor === undefined) break;
    }
    expect(seen).toEqual(spanIds);
  });

  test('that are purged, or never were, are not found', async () => {
    const scene = await Scene.make(world);
    const traceId = await scene.trace();
    await scene.act('owner', 'trace.purge', { traceId });
    for (const id of [traceId, 'none']) {
      const answer = await ask(world.target.url, 'GET', `${scene.path}/traces/${id}`, { token: scene.people.viewer.token });
      expect(refusedByHttp(answer).problem.code).toBe('trace_not_found');
    }
  });
}
