import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { expect, test } from 'vitest';
import type { TraceAnswer, TraceDetail } from '../../shared/contract/answers.ts';
import type { Event } from '../../shared/core/types.ts';
import { addTraces, as, EdgeSession } from './edge.ts';
import { alice, eventually, sessionStub, TestSession } from './support.ts';

/** Traces by the doors, with NATS and every consumer away (contract §1, §2). */

const T0 = '2026-01-01T00:00:00.000Z';
const T1 = '2026-01-01T00:00:01.500Z';

interface Asked {
  path: string;
  who?: string;
}

async function detail({ path, who = 'alice' }: Asked): Promise<TraceDetail> {
  const response = await as(who, 'GET', path);
  expect(response.status, path).toBe(200);
  return await response.json();
}

async function traced(): Promise<EdgeSession> {
  const session = await EdgeSession.make();
  await addTraces(session);
  return session;
}

/** All spans, page by page. */
async function allSpans(path: string, limit: number): Promise<TraceDetail['spans']> {
  const spans: TraceDetail['spans'] = [];
  let cursor: string | undefined;
  do {
    const page = await detail({ path: `${path}?limit=${limit}${cursor === undefined ? '' : `&cursor=${cursor}`}` });
    expect(page.spans.length).toBeGreaterThan(0);
    spans.push(...page.spans);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return spans;
}

test('P5: a trace is seen at once: merged spans, parents that come later, durations', async () => {
  const session = await traced();
  const path = `${session.path}/traces/t1`;
  await session.must('bob', 'trace.start', { id: 't1', name: 'answer', metadata: { model: 'x' } });
  const span = (spanId: string, more: object) =>
    session.must('bob', 'trace.append', { traceId: 't1', spanId, name: spanId, startedAt: T0, ...more });
  await span('child', { parentSpanId: 'root', kind: 'tool', input: { q: ['a', null] } });
  await span('root', { kind: 'agent' });
  await evictDurableObject(sessionStub(session.id));
  await span('child', { name: 'search', endedAt: T1, status: 'ok', output: null });
  const running = await detail({ path });
  expect(running).toMatchObject({
    id: 't1',
    sessionId: session.id,
    author: { id: 'bob', kind: 'user' },
    name: 'answer',
    status: 'running',
    metadata: { model: 'x' },
    spanCount: 2,
  });
  expect(running).not.toHaveProperty('durationMs');
  expect(running.spans).toEqual([
    {
      spanId: 'child',
      seq: running.spans[0]?.seq,
      parentSpanId: 'root',
      name: 'search',
      kind: 'tool',
      status: 'ok',
      startedAt: T0,
      endedAt: T1,
      durationMs: 1_500,
      input: { q: ['a', null] },
      output: null,
      metadata: {},
    },
    { spanId: 'root', seq: (running.spans[0]?.seq ?? 0) + 1, name: 'root', kind: 'agent', startedAt: T0, metadata: {} },
  ]);
  await session.must('alice', 'trace.finish', { traceId: 't1', status: 'failed', error: 'no net' });
  const ended = await detail({ path });
  expect(ended).toMatchObject({ status: 'failed', error: 'no net', spans: running.spans });
  expect(ended.durationMs).toBe(Date.parse(ended.finishedAt ?? '') - Date.parse(ended.startedAt));
  const again = await session.http('bob', 'trace.finish', { traceId: 't1', status: 'failed', error: 'no net' });
  expect(await again.json()).toMatchObject({ unchanged: true, eventId: null });
});

test('traces come newest first, page by page, and others’ writes move nothing', async () => {
  const session = await traced();
  for (let at = 1; at <= 5; at += 1) await session.must('bob', 'trace.start', { id: `n${at}`, name: `n${at}` });
  const page = (query: string) => read<{ items: TraceAnswer[]; nextCursor?: string }>(`${session.path}/traces?${query}`);
  const first = await page('limit=3');
  expect(first.items.map(({ id }) => id)).toEqual(['n5', 'n4', 'n3']);
  expect(first.items[0]).not.toHaveProperty('spans');
  await session.must('bob', 'trace.start', { id: 'n6', name: 'n6' });
  const second = await page(`limit=3&cursor=${first.nextCursor}`);
  // t-gone was purged, and is left out
  expect(second.items.map(({ id }) => id)).toEqual(['n2', 'n1', 't-done']);
  const third = await page(`limit=3&cursor=${second.nextCursor}`);
  expect(third).toMatchObject({ items: [{ id: 't-open', status: 'running', spanCount: 1 }] });
  expect(third).not.toHaveProperty('nextCursor');
  for (const query of ['limit=0', 'limit=101', 'cursor=x', 'cursor=', `cursor=${first.nextCursor}x`]) {
    expect((await as('alice', 'GET', `${session.path}/traces?${query}`)).status, query).toBe(400);
  }
});

test('spans come in the order in which they first came, in pages of at most 512 KiB, by cursors of their own trace', async () => {
  const session = await traced();
  await session.must('bob', 'trace.start', { id: 't1', name: 't1' });
  const big = 'x'.repeat(60_000);
  for (let at = 1; at <= 20; at += 1) {
    const more = at <= 10 ? { input: big } : {};
    await session.must('bob', 'trace.append', { traceId: 't1', spanId: `s${at}`, name: 'n', startedAt: T0, ...more });
  }
  // more of the first does not move it
  await session.must('bob', 'trace.append', { traceId: 't1', spanId: 's1', name: 'n', startedAt: T0, output: 1 });
  const path = `${session.path}/traces/t1`;
  const ids = Array.from({ length: 20 }, (_, at) => `s${at + 1}`);
  expect((await allSpans(path, 500)).map(({ spanId }) => spanId)).toEqual(ids);
  expect((await allSpans(path, 7)).map(({ spanId }) => spanId)).toEqual(ids);
  const answer = await as('alice', 'GET', `${path}?limit=500`);
  const text = await answer.text();
  expect(text.length).toBeLessThan(512 * 1024);
  const cursor = (JSON.parse(text) as TraceDetail).nextCursor;
  expect(cursor).toBeDefined();
  expect((await as('alice', 'GET', `${session.path}/traces/t-open?cursor=${cursor}`)).status).toBe(400);
  expect((await as('alice', 'GET', `${session.path}/traces?cursor=${cursor}`)).status).toBe(400);
  for (const query of ['limit=0', 'limit=501', 'limit=x', 'cursor=x']) {
    expect((await as('alice', 'GET', `${path}?${query}`)).status, query).toBe(400);
  }
});

test('who may not read the session reads no trace of it, and a trace that is none is 404', async () => {
  const session = await traced();
  for (const [who, path, code] of [
    ['sam', '/traces', 'session_not_found'],
    ['sam', '/traces/t-open', 'session_not_found'],
    ['sam', '/traces/a.b', 'session_not_found'],
    ['alice', '/traces/none', 'trace_not_found'],
    ['alice', '/traces/a.b', 'trace_not_found'],
    ['alice', '/traces/t-gone', 'trace_not_found'],
  ] as const) {
    const response = await as(who, 'GET', `${session.path}${path}`);
    expect([path, response.status, (await response.json<{ code: string }>()).code]).toEqual([path, 404, code]);
  }
  expect((await as('vera', 'GET', `${session.path}/traces/t-open`)).status).toBe(200);
});

test('a purge erases at once, for sockets and catch-up too, and works in an archived session', async () => {
  const session = await traced();
  await session.must('bob', 'trace.start', { id: 't1', name: 'secret', metadata: { secret: 1 } });
  const part = { traceId: 't1', spanId: 'a', name: 'secret', startedAt: T0 };
  await session.must('bob', 'trace.append', { ...part, input: 'secret' });
  await session.must('bob', 'trace.append', { ...part, output: 'secret' });
  await session.must('alice', 'session.archive', {});
  await session.must('bob', 'trace.finish', { traceId: 't1', status: 'failed', error: 'secret' });
  const before = await (await as('alice', 'GET', `${session.path}/events`)).json<{ items: Event[] }>();
  const purged = await session.must('alice', 'trace.purge', { traceId: 't1' });
  const after = await (await as('alice', 'GET', `${session.path}/events`)).json<{ items: Event[] }>();
  expect(JSON.stringify(after)).not.toContain('secret');
  const covered = before.items.filter(({ subject }) => subject === 't1');
  expect(covered.map(({ type }) => type)).toEqual(['trace.started', 'trace.span', 'trace.span', 'trace.finished']);
  expect(after.items).toEqual([
    ...before.items.map((event) => (event.subject === 't1' ? { ...event, data: { id: 't1', erased: true } } : event)),
    expect.objectContaining({ type: 'trace.purged', seq: purged.seq }),
  ]);
  expect(after.items.at(-1)?.data).toMatchObject({
    id: 't1',
    traceSeq: covered[0]?.seq,
    spanSeqs: [covered[1]?.seq],
    updatedSeqs: [covered[2]?.seq],
    finishedSeq: covered[3]?.seq,
  });
  const late = await session.connect('bob', '?after=0');
  await late.until('the whole log', () => late.events().some(({ seq }) => seq === purged.seq));
  expect(JSON.stringify(late.frames)).not.toContain('secret');
  expect(await session.must('alice', 'trace.purge', { traceId: 't1' })).toMatchObject({ unchanged: true });
  expect((await as('alice', 'GET', `${session.path}/traces/t1`)).status).toBe(404);
});

test('events that have left the edge come from the archive, or the trace is 503; a purge is not undone by the archive', async () => {
  const session = new TestSession();
  await session.create([{ userId: 'bob', role: 'member' }]);
  const path = `/v1/sessions/${session.identity.sessionId}`;
  await session.must(alice, { name: 'trace.start', data: { id: 't1', name: 'secret', metadata: { secret: 1 } } });
  const part = { traceId: 't1', spanId: 'a', name: 'secret', startedAt: T0 };
  await session.must(alice, { name: 'trace.append', data: { ...part, input: 'secret', kind: 'model' } });
  await session.must(alice, { name: 'trace.append', data: { ...part, spanId: 'b' } });
  const whole = await detail({ path: `${path}/traces/t1` });
  for (let sent = 0; sent < 1_400; sent += 200) {
    await Promise.all(Array.from({ length: 200 }, (_, each) => session.send(alice, `m${sent + each}`)));
  }
  // a part in the tail, and the parts before it in the archive
  await session.must(alice, { name: 'trace.append', data: { ...part, output: 'late' } });
  await eventually('all published', async () => (await session.published()).ids.length === 1_405);
  await trim(session);
  expect((await as('alice', 'GET', `${path}/traces/t1`)).status).toBe(503);
  expect((await as('alice', 'GET', `${path}/traces`)).status).toBe(503);
  await session.uplink().plan({ answering: session.identity.sessionId });
  const [first, second] = whole.spans;
  expect(await detail({ path: `${path}/traces/t1` })).toEqual({ ...whole, spans: [{ ...first, output: 'late' }, second] });
  const { spans: _, ...row } = whole;
  expect(await (await as('alice', 'GET', `${path}/traces`)).json()).toEqual({ items: [row] });

  const catchUp = async () => await (await as('alice', 'GET', `${path}/events?limit=10`)).text();
  expect(await catchUp()).toContain('secret');
  await session.must(alice, { name: 'trace.purge', data: { traceId: 't1' } });
  // the archive has not seen the purge, and still answers the whole events
  expect(await catchUp()).not.toContain('secret');
  expect((await as('alice', 'GET', `${path}/traces/t1`)).status).toBe(404);
  expect(await (await as('alice', 'GET', `${path}/traces`)).json()).toEqual({ items: [] });
});

test('a message costs three rows of tables: its event, its command, its index row; a reaction and a span no more', async () => {
  const session = new TestSession();
  await session.create();
  const written = async (work: () => Promise<unknown>): Promise<number> => {
    const total = () =>
      runInDurableObject(session.stub(), (_instance, state) => {
        return state.storage.sql.exec<{ n: number }>(`SELECT total_changes() AS n`).one().n;
      });
    const before = await total();
    await work();
    return (await total()) - before;
  };
  await written(() => session.send(alice, 'warm'));
  const rows = {
    send: await written(() => session.send(alice, 'one', { id: 'm1' })),
    react: await written(() => session.must(alice, { name: 'reaction.add', data: { messageId: 'm1', emoji: '👍' } })),
    start: await written(() => session.must(alice, { name: 'trace.start', data: { id: 't1', name: 'n' } })),
    span: await written(() =>
      session.must(alice, { name: 'trace.append', data: { traceId: 't1', spanId: 'a', name: 'n', startedAt: T0 } }),
    ),
    more: await written(() =>
      session.must(alice, { name: 'trace.append', data: { traceId: 't1', spanId: 'a', name: 'n', startedAt: T0 } }),
    ),
  };
  expect(rows).toEqual({ send: 3, react: 3, start: 3, span: 3, more: 4 });
});

async function trim(session: TestSession): Promise<void> {
  const { head } = await read<{ head: number }>(`/v1/sessions/${session.identity.sessionId}`);
  await session.receipt([[1, head]]);
  await runInDurableObject(session.stub(), (_instance, state) => {
    state.storage.sql.exec(`UPDATE receipts SET taken_at = taken_at - 60000`);
  });
  await session.receipt([[1, 1]]);
}

async function read<T>(path: string): Promise<T> {
  return await (await as('alice', 'GET', path)).json();
}
