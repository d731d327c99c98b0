import { describe, expect, test } from 'vitest';
import { refusedByHttp } from '../doors.ts';
import { ask } from '../http.ts';
import { signToken } from '../people.ts';
import { memberPage, message, messagePage, session, type Message } from '../schemas.ts';
import { Scene, type RoleName, type World } from '../scene.ts';

type Page = Awaited<ReturnType<typeof pageOf>>;

function pageOf(scene: Scene, query: string, as: RoleName = 'viewer') {
  return scene.read(as, `/messages${query}`, messagePage);
}

async function send(scene: Scene, many: number, name: string): Promise<string[]> {
  const ids: string[] = [];
  for (let at = 0; at < many; at += 1) ids.push(await scene.message('member', { text: `${name} ${at}` }));
  return ids;
}

const texts = (items: readonly Message[]): string[] => items.map(({ text }) => text);
const countdown = (name: string, from: number, to: number): string[] =>
  Array.from({ length: from - to + 1 }, (_, at) => `${name} ${from - at}`);

export function querySuite(world: World): void {
  describe('a session', () => sessionTests(world));
  describe('members', () => memberTests(world));
  describe('messages', () => {
    pagingTests(world);
    rowTests(world);
    refusalTests(world);
  });
}

function sessionTests(world: World): void {
  test('says who asks, how many are in it and how far it is', async () => {
    const scene = await Scene.make(world, 'public');
    const created = await scene.eventAt(1);
    await scene.message('member');
    const expected = {
      id: scene.sessionId,
      title: 'A scene',
      visibility: 'public',
      status: 'active',
      memberCount: 5,
      head: 2,
      metadata: {},
    };
    const byOwner = await scene.read('owner', '', session);
    expect(byOwner).toMatchObject({ ...expected, role: 'owner', createdAt: created.time });
    expect(await scene.read('viewer', '', session)).toEqual({ ...byOwner, role: 'viewer' });
    const { role: _role, ...rest } = byOwner;
    expect(await scene.read('stranger', '', session)).toEqual(rest);
  });

  test('that is public may be read by anyone of the tenant, private by members alone', async () => {
    const [open, closed] = await Promise.all([Scene.make(world, 'public'), Scene.make(world, 'private', true)]);
    const messageId = await open.message();
    for (const path of ['', '/members', '/messages', `/messages/${messageId}`, '/events', '/presence', '/traces']) {
      const { token } = open.people.stranger;
      expect([path, (await ask(world.target.url, 'GET', open.path + path, { token })).status]).toEqual([path, 200]);
    }
    for (const role of ['stranger', 'former'] as const) {
      for (const path of ['', '/members', '/messages', '/messages/x', '/events', '/presence', '/traces', '/commands/x']) {
        const answer = await ask(world.target.url, 'GET', closed.path + path, { token: closed.people[role].token });
        expect([path, refusedByHttp(answer).problem.code]).toEqual([path, 'session_not_found']);
      }
      const asked = { token: closed.people[role].token };
      expect((await ask(world.target.url, 'POST', `${closed.path}/tickets`, asked)).status).toBe(404);
    }
  });
}

function memberTests(world: World): void {
  test('are paged, each once, while others come', async () => {
    const scene = await Scene.make(world);
    const seen: string[] = [];
    let cursor: string | undefined;
    let pages = 0;
    do {
      const query: string = cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const page = await scene.read('viewer', `/members?limit=2${query}`, memberPage);
      expect(page.items.length).toBeLessThanOrEqual(2);
      seen.push(...page.items.map(({ user }) => user.id));
      if (pages === 0) await scene.act('owner', 'member.put', { userId: scene.id('stranger'), role: 'viewer' });
      cursor = page.nextCursor;
      pages += 1;
    } while (cursor !== undefined && pages < 20);
    expect(new Set(seen).size).toBe(seen.length);
    for (const role of ['owner', 'member', 'other', 'agent', 'viewer'] as const) expect(seen).toContain(scene.id(role));
  });

  test('carry role, kind, name once they have acted, and when they came', async () => {
    const scene = await Scene.make(world);
    await scene.message('agent');
    const { items } = await scene.read('viewer', '/members?limit=100', memberPage);
    const of = (role: RoleName) => items.find(({ user }) => user.id === scene.id(role));
    expect(items).toHaveLength(5);
    expect(of('owner')).toMatchObject({ role: 'owner', user: { name: 'Olivia Owner', kind: 'user' } });
    expect(of('agent')).toMatchObject({ role: 'member', user: { name: 'An agent', kind: 'agent' } });
    expect(of('viewer')).toMatchObject({ role: 'viewer', readSeq: 0, joinedAt: (await scene.eventAt(1)).time });
  });
}

function pagingTests(world: World): void {
  test('older and older, each once, while others write', async () => {
    const scene = await Scene.make(world);
    await send(scene, 7, 'first');
    let page: Page = await pageOf(scene, '?limit=3');
    const seen = texts(page.items);
    for (let pages = 1; page.nextCursor !== undefined && pages < 20; pages += 1) {
      await scene.message('other', { text: 'meanwhile' });
      page = await pageOf(scene, `?limit=3&before=${encodeURIComponent(page.nextCursor)}`);
      seen.push(...texts(page.items));
    }
    expect(seen).toEqual(countdown('first', 6, 0));
  });

  test('newer and newer, newest first within a page, while others write', async () => {
    const scene = await Scene.make(world);
    const empty = await pageOf(scene, '?limit=3');
    expect([empty.items, empty.nextCursor]).toEqual([[], undefined]);
    await send(scene, 7, 'first');
    const seen: string[] = [];
    let { previousCursor } = empty;
    for (let pages = 0; pages < 5; pages += 1) {
      const page = await pageOf(scene, `?limit=3&after=${encodeURIComponent(previousCursor)}`);
      seen.push(...texts(page.items).toReversed());
      if (pages === 1) await send(scene, 2, 'then');
      ({ previousCursor } = page);
    }
    expect(seen).toEqual([...countdown('first', 6, 0).toReversed(), 'then 0', 'then 1']);
    const last = await pageOf(scene, `?limit=3&after=${encodeURIComponent(previousCursor)}`);
    expect(last.items).toEqual([]);
    await scene.message('member', { text: 'last' });
    expect(texts((await pageOf(scene, `?after=${encodeURIComponent(last.previousCursor)}`)).items)).toEqual(['last']);
  });

  test('from the middle, both ways', async () => {
    const scene = await Scene.make(world);
    await send(scene, 6, 'm');
    const newest = await pageOf(scene, '?limit=2');
    const middle = await pageOf(scene, `?limit=2&before=${encodeURIComponent(newest.nextCursor ?? '')}`);
    expect(texts(middle.items)).toEqual(['m 3', 'm 2']);
    const back = await pageOf(scene, `?limit=2&after=${encodeURIComponent(middle.previousCursor)}`);
    expect(back.items).toEqual(newest.items);
    // a cursor stays valid, and the page behind it the same
    expect((await pageOf(scene, `?limit=2&before=${encodeURIComponent(newest.nextCursor ?? '')}`)).items).toEqual(middle.items);
  });

  test('of one thread, and of all with the replies in them', async () => {
    const scene = await Scene.make(world);
    const [root = '', side = ''] = await send(scene, 2, 'root');
    const replies: string[] = [];
    for (let at = 0; at < 5; at += 1) {
      replies.push(await scene.message('other', { text: `reply ${at}`, parentId: root }));
      await scene.message('other', { text: `aside ${at}`, parentId: side });
    }
    const first = await pageOf(scene, `?limit=3&parentId=${root}`);
    const second = await pageOf(scene, `?limit=3&parentId=${root}&before=${encodeURIComponent(first.nextCursor ?? '')}`);
    expect(texts([...first.items, ...second.items])).toEqual(countdown('reply', 4, 0));
    expect(second.nextCursor).toBeUndefined();
    expect((await pageOf(scene, '?limit=100')).items).toHaveLength(12);
    expect((await scene.read('viewer', `/messages/${root}`, message)).replyCount).toBe(5);
    await scene.act('other', 'message.delete', { messageId: replies[0] });
    expect((await pageOf(scene, `?parentId=${root}`)).items.map(({ id }) => id)).toEqual(replies.toReversed());
    const answer = await ask(world.target.url, 'GET', `${scene.path}/messages?parentId=none`, {
      token: scene.people.viewer.token,
    });
    // silent in the contract: an empty thread, or the code that the command has
    if (answer.status === 200) expect(messagePage.parse(answer.body).items).toEqual([]);
    else expect(refusedByHttp(answer).problem.code).toBe('message_not_found');
  });
}

function rowTests(world: World): void {
  test('around one, and on from there both ways', async () => {
    const scene = await Scene.make(world);
    const ids = await send(scene, 9, 'm');
    const page = await pageOf(scene, `?limit=3&around=${ids[4]}`);
    expect(texts(page.items)).toEqual(countdown('m', 5, 3));
    const newer = await pageOf(scene, `?limit=2&after=${encodeURIComponent(page.previousCursor)}`);
    expect(texts(newer.items)).toEqual(countdown('m', 7, 6));
    const older = await pageOf(scene, `?limit=2&before=${encodeURIComponent(page.nextCursor ?? '')}`);
    expect(texts(older.items)).toEqual(countdown('m', 2, 1));
    expect(texts((await pageOf(scene, `?limit=3&around=${ids[8]}`)).items)).toEqual(countdown('m', 8, 6));
    expect(texts((await pageOf(scene, `?limit=1&around=${ids[0]}`)).items)).toEqual(countdown('m', 0, 0));
    const answer = await ask(world.target.url, 'GET', `${scene.path}/messages?around=none`, { token: scene.people.viewer.token });
    expect(refusedByHttp(answer).problem.code).toBe('message_not_found');
  });

  test('around one whose neighbours fill a page have it all the same', async () => {
    const scene = await Scene.make(world);
    const long = '漢'.repeat(50_000);
    const ids: string[] = [];
    for (let at = 0; at < 9; at += 1) ids.push(await scene.message('member', { text: `${at}${long.slice(1)}` }));
    const page = await pageOf(scene, `?limit=100&around=${ids[1]}`);
    expect(page.items.map(({ id }) => id)).toContain(ids[1]);
  });

  test('that are deleted stay as rows, without text, and a page is as one message is', async () => {
    const scene = await Scene.make(world);
    const [kept = '', gone = ''] = await send(scene, 2, 'm');
    await scene.act('owner', 'reaction.add', { messageId: kept, emoji: '👍' });
    await scene.act('member', 'message.edit', { messageId: kept, text: 'edited' });
    await scene.act('member', 'message.delete', { messageId: gone });
    const { items } = await pageOf(scene, '', 'owner');
    expect(items).toMatchObject([
      { id: gone, text: '', deletedAt: expect.any(String) as unknown },
      { id: kept, text: 'edited', editedAt: expect.any(String) as unknown, reactions: [{ emoji: '👍', count: 1, mine: true }] },
    ]);
    for (const each of items) expect(await scene.read('owner', `/messages/${each.id}`, message)).toEqual(each);
  });

  test('show the first 20 of those who reacted, and all in the count', async () => {
    const scene = await Scene.make(world);
    const messageId = await scene.message();
    const people = Array.from({ length: 22 }, (_, at) => ({ ...scene.people.member, id: `fan-${at}-${scene.id('member')}` }));
    for (const fan of people) {
      fan.token = await signToken(world.target.secret, fan.id, {});
      await scene.act('owner', 'member.put', { userId: fan.id, role: 'member' });
      await scene.act(fan, 'reaction.add', { messageId, emoji: '🎉' });
    }
    const { reactions } = await scene.read('viewer', `/messages/${messageId}`, message);
    expect(reactions).toEqual([{ emoji: '🎉', count: 22, mine: false, userIds: people.slice(0, 20).map(({ id }) => id) }]);
  });

  test('pages may be shorter than asked for, and only nextCursor ends them', async () => {
    const scene = await Scene.make(world);
    const long = '漢'.repeat(50_000);
    for (let at = 0; at < 8; at += 1) await scene.message('member', { text: `${at}${long.slice(1)}` });
    const seen: string[] = [];
    let page: Page = await pageOf(scene, '?limit=100');
    let pages = 1;
    seen.push(...texts(page.items));
    while (page.nextCursor !== undefined && pages < 20) {
      page = await pageOf(scene, `?limit=100&before=${encodeURIComponent(page.nextCursor)}`);
      seen.push(...texts(page.items));
      pages += 1;
    }
    expect(seen.map((text) => text[0])).toEqual(['7', '6', '5', '4', '3', '2', '1', '0']);
    expect(pages).toBeGreaterThan(2);
  });
}

function refusalTests(world: World): void {
  test('limits, cursors and both directions at once', async () => {
    const scene = await Scene.make(world);
    await scene.message();
    const { previousCursor } = await pageOf(scene, '');
    const cursor = encodeURIComponent(previousCursor);
    const forged = encodeURIComponent(Buffer.from('{"seq":1}').toString('base64url'));
    for (const query of [
      'limit=0',
      'limit=101',
      'limit=x',
      'limit=1.5',
      'before=forged',
      'after=forged',
      `after=${cursor}x`,
      `before=${forged}`,
      `before=${cursor}&after=${cursor}`,
      `around=m&before=${cursor}`,
      `around=m&after=${cursor}`,
      'around=m&parentId=m',
      'around=no%20id',
    ]) {
      const answer = await ask(world.target.url, 'GET', `${scene.path}/messages?${query}`, { token: scene.people.viewer.token });
      expect([query, refusedByHttp(answer).problem.code]).toEqual([query, 'invalid_request']);
    }
    for (const limit of [1, 100]) await pageOf(scene, `?limit=${limit}`);
  });

  test('none of that id', async () => {
    const scene = await Scene.make(world);
    const answer = await ask(world.target.url, 'GET', `${scene.path}/messages/none`, { token: scene.people.viewer.token });
    expect(refusedByHttp(answer).problem.code).toBe('message_not_found');
  });

  test('not the id of a stream that runs', async () => {
    const scene = await Scene.make(world);
    const messageId = await scene.stream();
    const answer = await ask(world.target.url, 'GET', `${scene.path}/messages/${messageId}`, {
      token: scene.people.viewer.token,
    });
    expect(refusedByHttp(answer).problem.code).toBe('message_not_found');
  });
}
