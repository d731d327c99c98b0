import { createHmac } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { InboxChange } from '../../../shared/core/inbox.ts';
import { placeOf } from '../../../worker/inbox/place.ts';
import type { Overview } from '../../../worker/session/api.ts';
import { INTERNAL_SECRET, pageItem, problem, world } from './support.ts';

const change = (sessionId: string, more: Partial<InboxChange> = {}): InboxChange => ({
  sessionId,
  head: 3,
  headOrdinal: 2,
  activity: 1_000,
  role: 'member',
  readOrdinal: 0,
  mentions: [],
  ...more,
});

beforeEach(() => {
  for (const level of ['log', 'error'] as const) vi.spyOn(console, level).mockImplementation(() => undefined);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('GET /v1/sessions', () => {
  /** An inbox that knows of these, and Sessions that answer for them. */
  const listing = (known: readonly InboxChange[], overviews: Record<string, Overview | undefined | Error>) => {
    const it = world();
    it.inbox.page.mockResolvedValue({ ok: true, value: { items: [...known], nextCursor: 'next' } });
    it.session.overview.mockImplementation(async ({ sessionId }) => {
      const overview = overviews[sessionId];
      if (overview instanceof Error) throw overview;
      return await Promise.resolve(overview);
    });
    return it;
  };
  const overview = (now: InboxChange, more: Partial<Overview['listed']> = {}): Overview => ({
    change: now,
    listed: { session: { id: now.sessionId } as never, ...more },
  });

  test('rows are those of the inbox, their contents those of the Sessions', async () => {
    const body = { text: 'hello', status: 'completed' as const, metadata: {} };
    const { as, inbox } = listing([change('s1'), change('s2')], {
      s1: overview(change('s1'), { last: pageItem(3, { body }) }),
      s2: overview(change('s2', { readOrdinal: 2 })),
    });
    const response = await as('GET', '/v1/sessions?limit=2');
    expect(await response.json()).toMatchObject({
      items: [
        { session: { id: 's1' }, lastMessage: { id: 'm3', text: 'hello', sessionId: 's1' }, unread: 2, mentions: 0 },
        { session: { id: 's2' }, unread: 0, mentions: 0 },
      ],
      nextCursor: 'next',
    });
    expect(inbox.page.mock.calls[0]).toEqual([{ tenant: 'default', userId: 'alice' }, { limit: 2 }]);
    expect(inbox.take).toHaveBeenCalledExactlyOnceWith({ tenant: 'default', userId: 'alice' }, [
      expect.objectContaining({ sessionId: 's2', readOrdinal: 2 }),
    ]);
  });

  test('what the inbox did not know puts a row in its place, and is handed back', async () => {
    const news = change('s2', { head: 9, headOrdinal: 7, activity: 5_000, mentions: [6] });
    const { as, inbox } = listing([change('s1'), change('s2')], { s1: overview(change('s1')), s2: overview(news) });
    expect(await (await as('GET', '/v1/sessions')).json()).toMatchObject({
      items: [{ session: { id: 's2' }, unread: 7, mentions: 1 }, { session: { id: 's1' } }],
    });
    expect(inbox.take.mock.calls[0]?.[1]).toEqual([news]);
  });

  test('that it cannot be handed back is no reason to fail', async () => {
    const { as, inbox } = listing([change('s1')], { s1: overview(change('s1', { head: 4 })) });
    inbox.take.mockRejectedValue(new Error('full'));
    expect((await as('GET', '/v1/sessions')).status).toBe(200);
  });

  test('who may not see it is not shown it', async () => {
    const { as, inbox } = listing([change('s1'), change('s2'), change('s3')], {
      s1: overview(change('s1')),
      s2: { change: change('s2', { head: 8, role: null }) },
      s3: undefined,
    });
    const { items } = (await (await as('GET', '/v1/sessions')).json()) as { items: unknown[] };
    expect(items).toHaveLength(1);
    expect(inbox.take.mock.calls[0]?.[1]).toMatchObject([{ sessionId: 's2', role: null }]);
  });

  test('a Session out of reach, or a body that nobody can read: 503, never a part of the list', async () => {
    const away = listing([change('s1'), change('s2')], { s1: overview(change('s1')), s2: new Error('away') });
    expect((await problem(await away.as('GET', '/v1/sessions'))).code).toBe('unavailable');
    const trimmed = listing([change('s1')], { s1: overview(change('s1'), { last: pageItem(3) }) });
    expect((await problem(await trimmed.as('GET', '/v1/sessions'))).code).toBe('unavailable');
  });

  test('long last messages make a page shorter, and the next one goes on behind it', async () => {
    const known = Array.from({ length: 8 }, (_, at) => change(`s${at}`, { activity: 9_000 - at }));
    const body = { text: 'x'.repeat(200_000), status: 'completed' as const, metadata: {} };
    const last = pageItem(3, { body });
    const { as } = listing(known, Object.fromEntries(known.map((each) => [each.sessionId, overview(each, { last })])));
    const answer = (await (await as('GET', '/v1/sessions')).json()) as { items: unknown[]; nextCursor: string };
    expect(answer.items).toHaveLength(2);
    expect(placeOf('alice', answer.nextCursor)).toEqual({ activity: 8_999, sessionId: 's1' });
    const alone = { text: 'y'.repeat(600_000), status: 'completed' as const, metadata: {} };
    const huge = listing([change('s1')], { s1: overview(change('s1'), { last: pageItem(3, { body: alone }) }) });
    expect(await (await huge.as('GET', '/v1/sessions')).json()).toMatchObject({ items: { length: 1 }, nextCursor: 'next' });
  });

  test('32 Sessions are asked at the same time, no more', async () => {
    const known = Array.from({ length: 100 }, (_, at) => change(`s${at}`));
    const it = listing(known, {});
    let running = 0;
    let most = 0;
    it.session.overview.mockImplementation(async ({ sessionId }) => {
      most = Math.max(most, (running += 1));
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      return overview(change(sessionId));
    });
    const { items } = (await (await it.as('GET', '/v1/sessions?limit=100')).json()) as { items: { session: { id: string } }[] };
    expect(items.map(({ session }) => session.id)).toEqual(known.map(({ sessionId }) => sessionId));
    expect(most).toBe(32);
  });
});

describe('POST /internal/notifications', () => {
  const bodyOf = (...sessions: { sessionId: string; users?: string[] }[]) =>
    JSON.stringify({ v: 1, sessions: sessions.map((each) => ({ tenant: 'default', users: [], ...each })) });
  const signed = (text: string, at = Date.now(), secret = INTERNAL_SECRET) => ({
    'Millrace-Timestamp': String(at),
    'Millrace-Signature': createHmac('sha256', secret).update(`${at}.${text}`).digest('hex'),
  });
  const post = (it: ReturnType<typeof world>, text: string, headers = signed(text)) =>
    it.call('POST', '/internal/notifications', { headers, body: text });
  const ref = (sessionId: string) => ({ tenant: 'default', sessionId });

  test('an inbox hears once of all of its sessions', async () => {
    const it = world();
    it.session.inboxChanges.mockImplementation(async ({ sessionId }, named) =>
      ['ann', ...named].map((userId) => ({ userId, change: change(sessionId) })),
    );
    const response = await post(it, bodyOf({ sessionId: 's1' }, { sessionId: 's2', users: ['ben'] }));
    expect(await response.json()).toEqual({ failed: [], left: [] });
    const told = it.inbox.take.mock.calls.map(([identity, changes]) => [identity.userId, changes.map((each) => each.sessionId)]);
    expect(told).toEqual([
      ['ann', ['s1', 's2']],
      ['ben', ['s2']],
    ]);
  });

  test('a session that cannot say, and those of an inbox that does not take: failed; the others are told', async () => {
    const it = world();
    it.session.inboxChanges.mockImplementation(async ({ sessionId }) => {
      if (sessionId === 's1') throw new Error('no');
      return [
        { userId: sessionId === 's2' ? 'broken' : 'ann', change: change(sessionId) },
        { userId: 'cem', change: change(sessionId) },
      ];
    });
    it.inbox.take.mockImplementation(async ({ userId }) => {
      if (userId === 'broken') throw new Error('no');
    });
    const response = await post(it, bodyOf({ sessionId: 's1' }, { sessionId: 's2' }, { sessionId: 's3' }));
    expect(await response.json()).toEqual({ failed: [ref('s1'), ref('s2')], left: [] });
    expect(it.inbox.take.mock.calls.map(([{ userId }]) => userId)).toEqual(['broken', 'cem', 'ann']);
  });

  test('what its time does not suffice for is left, and whole sessions are done', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    const it = world();
    const sessions = Array.from({ length: 100 }, (_, at) => ({ sessionId: `s${at}` }));
    it.session.inboxChanges.mockImplementation(async ({ sessionId }) =>
      Array.from({ length: 4 }, (_, at) => ({ userId: `${sessionId}-${at}`, change: change(sessionId) })),
    );
    it.inbox.take.mockImplementation(async () => await new Promise((resolve) => setTimeout(resolve, 1_000)));
    const text = bodyOf(...sessions);
    const state = { isAnswered: false };
    const startedMs = Date.now();
    const arriving = post(it, text).finally(() => (state.isAnswered = true));
    while (!state.isAnswered && Date.now() - startedMs < 60_000) {
      await new Promise((resolve) => setImmediate(resolve));
      if (it.session.inboxChanges.mock.calls.length > 0) await vi.advanceTimersByTimeAsync(100);
    }
    expect(Date.now() - startedMs).toBeLessThan(9_500);
    const { failed, left } = (await (await arriving).json()) as { failed: unknown[]; left: { sessionId: string }[] };
    expect(failed).toEqual([]);
    // 16 at a time for 8 s: 32 sessions of 4 users
    expect(left.map(({ sessionId }) => sessionId)).not.toContain('s0');
    expect(left.length).toBeGreaterThan(60);
    expect(left.length).toBeLessThan(75);
  });

  test('unsigned is 401, an unsound one 400', async () => {
    const text = bodyOf({ sessionId: 's1' });
    for (const headers of [signed(text, Date.now(), 'x'.repeat(40)), signed(text, Date.now() - 301_000), signed('other')]) {
      expect((await problem(await post(world(), text, headers))).code).toBe('unauthenticated');
    }
    for (const bad of ['{"v":2,"sessions":[]}', bodyOf({ sessionId: 'a b' }), bodyOf({ sessionId: 's1', users: ['a b'] })]) {
      expect((await problem(await post(world(), bad))).code).toBe('invalid_request');
    }
  });
});
