import { beforeEach, describe, expect, test, vi } from 'vitest';
import { compareHits, type SearchHit, type SearchRequest } from '../../../shared/contract/search.ts';
import { SEARCH_SUBJECT } from '../../../shared/contract/subjects.ts';
import type { SearchPage } from '../../../shared/contract/answers.ts';
import type { PageItem } from '../../../worker/session/api.ts';
import { encodeCursor } from '../../../worker/session/cursor.ts';
import { pageItem, problem, world } from './support.ts';

type World = ReturnType<typeof world>;

/** Message `m{seq}` of a session: of lower numbers the newer. */
function hit(sessionId: string, seq: number, score = 1): SearchHit {
  return { sessionId, messageId: `m${seq}`, seq, sentAtMs: 1_000_000 - seq, score };
}

/** An index with these hits. */
function withHits(it: World, hits: readonly SearchHit[], asOfMs = 5_000): SearchRequest[] {
  const asked: SearchRequest[] = [];
  it.uplink.request.mockImplementation(async (subject, payload) => {
    expect(subject).toBe(SEARCH_SUBJECT);
    const question = JSON.parse(payload) as SearchRequest;
    asked.push(question);
    const found = hits.filter(({ sessionId }) => question.sessions.includes(sessionId)).toSorted(compareHits);
    const { after } = question;
    const behind = after === undefined ? found : found.filter((each) => compareHits(each, after) > 0);
    const answer = {
      ok: true,
      hits: behind.slice(0, question.limit),
      more: behind.length > question.limit,
      total: found.length,
      asOfMs: asOfMs + asked.length,
    };
    return await Promise.resolve({ ok: true, payload: JSON.stringify(answer) });
  });
  return asked;
}

/** Sessions that hold these messages as `text {id}`, and the others no more. */
function withMessages(it: World, held: (sessionId: string, id: string) => boolean, more: Partial<PageItem['body']> = {}): void {
  it.session.found.mockImplementation(async ({ sessionId }, _actor, ids) => {
    const items = ids
      .filter((id) => held(sessionId, id))
      .map((id) => pageItem(Number(id.slice(1)), { body: { text: `text ${id}`, status: 'completed', metadata: {}, ...more } }));
    return await Promise.resolve({ items, looked: ids.length });
  });
}

const pageOf = async (it: World, query: string): Promise<SearchPage> => {
  const response = await it.as('GET', `/v1/search?${query}`);
  expect(response.status, await response.clone().text()).toBe(200);
  return (await response.json()) as SearchPage;
};
const ids = ({ items }: SearchPage): string[] => items.map(({ message }) => `${message.sessionId}/${message.id}`);

describe('search', () => {
  let it: World;
  beforeEach(() => {
    it = world();
    vi.spyOn(console, 'log').mockImplementation(() => undefined);
    it.inbox.sessionIds.mockResolvedValue(['s1', 's2']);
  });

  test('asks the index for the sessions of the inbox, and each hit’s session for the message', async () => {
    const asked = withHits(it, [hit('s1', 1, 2), hit('s2', 2, 1), hit('s3', 3, 9)]);
    withMessages(it, () => true);
    const page = await pageOf(it, 'q=Text&author=bob&sentAfter=1970-01-01T00:00:00Z&sentBefore=1970-01-01T00:00:09.000Z&limit=5');
    expect(asked).toEqual([
      {
        v: 2,
        tenant: 'default',
        q: 'Text',
        sessions: ['s1', 's2'],
        author: 'bob',
        sentAfterMs: 0,
        sentBeforeMs: 9_000,
        limit: 5,
      },
    ]);
    expect(page).toMatchObject({ total: 2, asOf: '1970-01-01T00:00:05.001Z' });
    expect(ids(page)).toEqual(['s1/m1', 's2/m2']);
    expect(page.items[0]).toMatchObject({ score: 2, highlight: '<mark>text</mark> m1', message: { text: 'text m1' } });
    expect(page).not.toHaveProperty('nextCursor');
  });

  test('fills the page of a hit that is gone from further ones, and counts it no more', async () => {
    const asked = withHits(
      it,
      Array.from({ length: 9 }, (_, at) => hit('s1', at + 1, 100 - at)),
    );
    withMessages(it, (_, id) => !['m1', 'm3'].includes(id));
    const page = await pageOf(it, 'q=text&limit=3');
    expect(ids(page)).toEqual(['s1/m2', 's1/m4', 's1/m5']);
    expect(page).toMatchObject({ total: 7, asOf: '1970-01-01T00:00:05.001Z' });
    expect(asked.map(({ limit, after }) => [limit, after?.messageId])).toEqual([
      [3, undefined],
      [2, 'm3'],
    ]);
    const next = await pageOf(it, `q=text&limit=9&cursor=${page.nextCursor ?? ''}`);
    expect(ids(next)).toEqual(['s1/m6', 's1/m7', 's1/m8', 's1/m9']);
  });

  test('gives up filling after some rounds, with a cursor', async () => {
    const asked = withHits(
      it,
      Array.from({ length: 50 }, (_, at) => hit('s1', at + 1, 100 - at)),
    );
    withMessages(it, () => false);
    const page = await pageOf(it, 'q=text&limit=5');
    expect([page.items, asked.length, page.nextCursor === undefined]).toEqual([[], 4, false]);
    withMessages(it, () => true);
    expect(ids(await pageOf(it, `q=text&limit=5&cursor=${page.nextCursor ?? ''}`))[0]).toBe('s1/m21');
  });

  test('cuts a page at 512 KiB, and goes on behind it', async () => {
    withHits(
      it,
      [1, 2, 3].map((seq) => hit('s1', seq, 10 - seq)),
    );
    withMessages(it, () => true, { text: 'x'.repeat(300_000) });
    const page = await pageOf(it, 'q=x');
    expect(ids(page)).toEqual(['s1/m1']);
    expect(ids(await pageOf(it, `q=x&cursor=${page.nextCursor ?? ''}`))).toEqual(['s1/m2']);
  });

  test('ends a page before what its session did not look at', async () => {
    withHits(it, [hit('s1', 1, 9), hit('s1', 2, 8), hit('s2', 3, 7)]);
    withMessages(it, () => true);
    const whole = it.session.found.getMockImplementation();
    it.session.found.mockImplementation(async (identity, actor, asked) => {
      const all = await whole?.(identity, actor, asked.slice(0, 1));
      return { items: all?.items ?? [], looked: 1 };
    });
    const page = await pageOf(it, 'q=text');
    expect(ids(page)).toEqual(['s1/m1']);
    expect(ids(await pageOf(it, `q=text&cursor=${page.nextCursor ?? ''}`))).toEqual(['s1/m2', 's2/m3']);
  });

  test('takes its own cursors, and none that begins with a score', async () => {
    const asked = withHits(it, [hit('s1', 1), hit('s1', 2)]);
    withMessages(it, () => true);
    const owner = JSON.stringify(['alice', 'text', null, null, null, null]);
    const cursorAt = (...place: unknown[]): string => encodeCursor('search', owner, JSON.stringify(place));
    const { sentAtMs, sessionId, messageId } = hit('s1', 1);
    expect(ids(await pageOf(it, `q=text&cursor=${cursorAt(sentAtMs, sessionId, messageId)}`))).toEqual(['s1/m2']);
    for (const score of [0.5, 2]) {
      const before = `/v1/search?q=text&cursor=${cursorAt(score, sentAtMs, sessionId, messageId)}`;
      expect(await problem(await it.as('GET', before))).toMatchObject({ status: 400, code: 'invalid_request' });
    }
    expect(asked).toHaveLength(1);
  });

  test('asks for many sessions in several questions, and merges by place, whatever the scores', async () => {
    const sessions = Array.from({ length: 12_001 }, (_, at) => `s${at}`);
    it.inbox.sessionIds.mockResolvedValue(sessions);
    const asked = withHits(
      it,
      [0, 4_999, 5_000, 9_999, 10_000, 12_000].map((at) => hit(`s${at}`, at + 1, at % 7)),
    );
    withMessages(it, () => true);
    const page = await pageOf(it, 'q=text&limit=4');
    expect(asked.map((question) => question.sessions.length).toSorted((a, b) => b - a)).toEqual([5_000, 5_000, 2_001]);
    expect(page.total).toBe(6);
    expect(ids(page)).toEqual(['s0/m1', 's4999/m5000', 's5000/m5001', 's9999/m10000']);
    expect(page.items.map(({ score }) => score)).toEqual([0, 1, 2, 3]);
    expect(ids(await pageOf(it, `q=text&limit=4&cursor=${page.nextCursor ?? ''}`))).toEqual(['s10000/m10001', 's12000/m12001']);
    expect(it.inbox.sessionIds.mock.calls[0]?.[1]).toBe(50_000);
  });

  test('of one session asks that one whether the caller is in it', async () => {
    const asked = withHits(it, [hit('s9', 1)]);
    withMessages(it, () => true);
    it.session.describe.mockResolvedValueOnce({ ok: true, value: { role: 'viewer' } });
    expect(ids(await pageOf(it, 'q=text&sessionId=s9'))).toEqual(['s9/m1']);
    // a public one that may be read is none of the caller's
    it.session.describe.mockResolvedValueOnce({ ok: true, value: {} });
    expect(await pageOf(it, 'q=text&sessionId=s9')).toMatchObject({ items: [], total: 0 });
    expect(asked.at(-1)?.sessions).toEqual([]);
    it.session.describe.mockResolvedValueOnce({ ok: false, refusal: { code: 'session_not_found', detail: 'no' } });
    expect(await problem(await it.as('GET', '/v1/search?q=text&sessionId=s9'))).toMatchObject({ status: 404 });
    expect(it.inbox.sessionIds).not.toHaveBeenCalled();
  });

  test.each([
    [{ ok: false, error: 'no responders' }],
    [{ ok: true, payload: '{}' }],
    [{ ok: true, payload: 'x' }],
    [{ ok: true, payload: JSON.stringify({ ok: false, code: 'unavailable', detail: 'internal' }) }],
  ] as const)('is 503 when the index answers %j, and says nothing of why', async (outcome) => {
    it.uplink.request.mockResolvedValue(outcome);
    const response = await it.as('GET', '/v1/search?q=text');
    expect(response.headers.get('Retry-After')).toMatch(/^\d+$/);
    const body = await problem(response);
    expect(body).toMatchObject({ status: 503, code: 'unavailable' });
    expect(JSON.stringify(body)).not.toContain('internal');
  });
});
