import { describe, expect, test } from 'vitest';
import { refusedByHttp } from '../doors.ts';
import { eventually } from '../eventually.ts';
import { ask, type Asked } from '../http.ts';
import { searchPage, type SearchPage } from '../schemas.ts';
import { Scene, type RoleName, type World } from '../scene.ts';

type Query = Readonly<Record<string, string>>;

/** A word that no other test has said. */
const newWord = (): string => `w${crypto.randomUUID().replaceAll('-', '')}`;

async function search(scene: Scene, as: RoleName, query: Query): Promise<SearchPage> {
  const path = `/v1/search?${new URLSearchParams(query).toString()}`;
  const answer = await ask(scene.target.url, 'GET', path, { token: scene.people[as].token });
  expect(answer.status, `${path}: ${JSON.stringify(answer.body)}`).toBe(200);
  return searchPage.parse(answer.body);
}

/** Waits until the index has so many. */
async function found(scene: Scene, as: RoleName, query: Query, many: number): Promise<SearchPage> {
  return await eventually(
    `${many} hits of ${JSON.stringify(query)}`,
    async () => {
      const page = await search(scene, as, query);
      return page.items.length === many && page;
    },
    60_000,
    100,
  );
}

async function refused(world: World, code: string, path: string, asked: Asked): Promise<void> {
  const { problem } = refusedByHttp(await ask(world.target.url, 'GET', path, asked));
  expect([path, problem.code]).toEqual([path, code]);
}

const ids = ({ items }: SearchPage): string[] => items.map(({ message }) => message.id).toSorted();

export function searchSuite(world: World): void {
  describe('search', () => {
    wordTests(world);
    rightTests(world);
    changeTests(world);
    pageTests(world);
    refusalTests(world);
  });
}

function wordTests(world: World): void {
  test('finds words without case, accents and endings, phrases in their order, and text without spaces', async () => {
    const scene = await Scene.make(world);
    const word = newWord();
    const texts = [`${word} The Café was running late`, `${word} 今日は東京都に行く`, `${word} late was the café 🙂`];
    const [first = '', second = '', third = ''] = await Promise.all(texts.map((text) => scene.message('member', { text })));
    await found(scene, 'viewer', { q: word }, 3);
    for (const [q, expected] of [
      ['CAFE', [first, third]],
      ['run', [first]],
      ['"was running late"', [first]],
      ['"late was"', [third]],
      ['late café was', [first, third]],
      ['東京', [second]],
      ['🙂', [third]],
      [newWord(), []],
    ] as const) {
      const page = await search(scene, 'viewer', { q: `${q} ${word}` });
      expect([q, new Set(ids(page))]).toEqual([q, new Set(expected)]);
      expect(page.total).toBe(expected.length);
    }
  });

  test('shows each hit as its message, with what was found in it marked and nothing else as HTML', async () => {
    const scene = await Scene.make(world);
    const word = newWord();
    const messageId = await scene.message('agent', { text: `<img src=x> & "${word}" & <mark>` });
    const { items, asOf } = await found(scene, 'owner', { q: word }, 1);
    const { token } = scene.people.owner;
    const { body } = await ask(scene.target.url, 'GET', `${scene.path}/messages/${messageId}`, { token });
    expect(items[0]?.message).toEqual(body);
    expect(items[0]?.highlight).toBe(`&lt;img src=x&gt; &amp; &quot;<mark>${word}</mark>&quot; &amp; &lt;mark&gt;`);
    expect(Date.parse(asOf)).toBeLessThan(Date.now() + 60_000);
    await eventually('the index has all until now', async () => {
      const { asOf: later } = await search(scene, 'owner', { q: word });
      return Date.parse(later) > Date.parse(asOf);
    });
  });

  test('asks for a session, an author and a time', async () => {
    const scene = await Scene.make(world);
    const other = await Scene.make(world, 'private', false, scene.people);
    const word = newWord();
    const [first, second] = [await scene.message('member', { text: word }), await scene.message('other', { text: word })];
    const third = await other.message('member', { text: word });
    const page = await found(scene, 'viewer', { q: word }, 3);
    const sentAt = page.items.find(({ message }) => message.id === second)?.message.createdAt ?? '';
    expect(ids(await search(scene, 'viewer', { q: word, sessionId: other.sessionId }))).toEqual([third]);
    expect(ids(await search(scene, 'viewer', { q: word, author: scene.id('other') }))).toEqual([second]);
    expect(ids(await search(scene, 'viewer', { q: word, sentBefore: sentAt }))).toEqual([first]);
    expect(ids(await search(scene, 'viewer', { q: word, sentAfter: sentAt }))).toEqual([third]);
    expect(ids(await search(scene, 'viewer', { q: word, sentAfter: '2999-01-01T00:00:00Z' }))).toEqual([]);
  });
}

function rightTests(world: World): void {
  test('P8: finds in the sessions of the caller alone, also just after leaving', async () => {
    const [open, closed] = await Promise.all([Scene.make(world, 'public'), Scene.make(world, 'private', true)]);
    const word = newWord();
    await Promise.all([open, closed].map((scene) => scene.message('member', { text: word })));
    await found(open, 'viewer', { q: word }, 1);
    await found(closed, 'viewer', { q: word }, 1);
    for (const scene of [open, closed]) expect((await search(scene, 'stranger', { q: word })).total).toBe(0);
    expect((await search(closed, 'former', { q: word })).items).toEqual([]);
    expect((await search(open, 'stranger', { q: word, sessionId: open.sessionId })).items).toEqual([]);
    const query = `/v1/search?q=${word}&sessionId=${closed.sessionId}`;
    for (const role of ['stranger', 'former'] as const) {
      await refused(world, 'session_not_found', query, { token: closed.people[role].token });
    }
    for (const scene of [open, closed]) {
      await scene.act('viewer', 'member.remove', { userId: scene.id('viewer') });
      expect(await search(scene, 'viewer', { q: word })).toMatchObject({ items: [], total: 0 });
    }
    await closed.act('owner', 'session.delete');
    expect((await search(closed, 'owner', { q: word })).items).toEqual([]);
  });
}

function changeTests(world: World): void {
  test('shows a message as it is now: edited, and not at all once deleted', async () => {
    const scene = await Scene.make(world);
    const [before, after] = [newWord(), newWord()];
    const [kept, gone] = [await scene.message('member', { text: before }), await scene.message('member', { text: before })];
    await found(scene, 'owner', { q: before }, 2);
    await scene.act('member', 'message.delete', { messageId: gone });
    expect(ids(await search(scene, 'owner', { q: before }))).toEqual([kept]);
    await scene.act('member', 'message.edit', { messageId: kept, text: after });
    // whether the index has seen the edit or not
    for (const { message, highlight } of (await search(scene, 'owner', { q: before })).items) {
      expect([message.text, highlight]).toEqual([after, after]);
    }
    expect(ids(await found(scene, 'owner', { q: after }, 1))).toEqual([kept]);
    await found(scene, 'owner', { q: before }, 0);
    await eventually('none is counted', async () => (await search(scene, 'owner', { q: before })).total === 0);
  });
}

function pageTests(world: World): void {
  test('is paged, without a gap or a repetition', async () => {
    const scene = await Scene.make(world);
    const other = await Scene.make(world);
    const word = newWord();
    const sent: string[] = [];
    for (let at = 0; at < 7; at += 1) sent.push(await scene.message('member', { text: `${word} ${'and more '.repeat(at % 3)}` }));
    const all = await found(scene, 'owner', { q: word }, 7);
    const times = all.items.map(({ message }) => message.createdAt);
    expect(times).toEqual(times.toSorted().toReversed());
    expect(all.nextCursor).toBeUndefined();
    const paged: SearchPage['items'] = [];
    for (let cursor: string | undefined = ''; cursor !== undefined;) {
      const page: SearchPage = await search(scene, 'owner', { q: word, limit: '3', ...(cursor === '' ? {} : { cursor }) });
      expect(page.total).toBe(7);
      paged.push(...page.items);
      cursor = page.nextCursor;
      // what others say meanwhile changes what a word weighs, and no page
      for (let more = 0; more < 5; more += 1) await other.message('member', { text: 'something else' });
    }
    expect(paged.map(({ message }) => message.id)).toEqual(all.items.map(({ message }) => message.id));
    const { nextCursor = '' } = await search(scene, 'owner', { q: word, limit: '3' });
    for (const [role, q] of [
      ['owner', newWord()],
      ['member', word],
    ] as const) {
      const query = `/v1/search?${new URLSearchParams({ q, cursor: nextCursor }).toString()}`;
      await refused(world, 'invalid_request', query, { token: scene.people[role].token });
    }
    expect(sent.toSorted()).toEqual(ids(all));
  });
}

function refusalTests(world: World): void {
  test('refuses what it cannot understand, and who does not say who asks', async () => {
    const scene = await Scene.make(world);
    const { token } = scene.people.owner;
    for (const query of [
      '',
      '?q=',
      '?q=%20',
      '?q=%21%22',
      `?q=${'a'.repeat(501)}`,
      '?q=a&limit=0',
      '?q=a&limit=101',
      '?q=a&limit=x',
      '?q=a&cursor=x',
      '?q=a&cursor=',
      '?q=a&sentAfter=yesterday',
      '?q=a&sentBefore=2026-13-01T00:00:00Z',
      '?q=a&sessionId=a.b',
      '?q=a&author=a%20b',
    ]) {
      await refused(world, 'invalid_request', `/v1/search${query}`, { token });
    }
    await refused(world, 'session_not_found', `/v1/search?q=a&sessionId=${crypto.randomUUID()}`, { token });
    await refused(world, 'unauthenticated', '/v1/search?q=a', {});
    expect((await search(scene, 'owner', { q: 'a', limit: '100' })).items).toEqual([]);
  });
}
