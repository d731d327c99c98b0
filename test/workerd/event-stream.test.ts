import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { afterEach, expect, test, vi } from 'vitest';
import { WINDOW_BYTES, WINDOW_FULL_MS_MAX } from '../../shared/core/limits.ts';
import { as, EdgeSession, send, token, type Claims, type Init } from './edge.ts';
import { eventually, sessionStub } from './support.ts';

afterEach(() => void vi.restoreAllMocks());

/** A reader of server-sent events, as a browser reads them. */
class SseReader {
  readonly events: { id?: string; event?: string; data: string }[] = [];
  comments = 0;
  ended = false;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #rest = '';

  constructor(response: Response) {
    if (response.headers.get('Content-Type') !== 'text/event-stream') throw new Error(`no stream: ${response.status}`);
    this.#reader = (response.body as ReadableStream<Uint8Array>).getReader();
  }

  async until(what: string, holds: () => boolean, withinMs = 10_000): Promise<void> {
    const late = AbortSignal.timeout(withinMs);
    const lateness = new Promise<never>((_, reject) => {
      late.addEventListener('abort', () => reject(new Error(`${what} did not come: ${JSON.stringify(this.events)}`)));
    });
    lateness.catch(() => undefined);
    while (!holds() && !this.ended) await Promise.race([this.#read(), lateness]);
    if (!holds()) throw new Error(`ended before ${what}: ${JSON.stringify(this.events)}`);
  }

  seqs(): number[] {
    return this.events.filter((each) => each.event === undefined).map((each) => Number(each.id));
  }

  close(): unknown {
    const last = this.events.at(-1);
    return last?.event === 'close' ? JSON.parse(last.data) : undefined;
  }

  async cancel(): Promise<void> {
    await this.#reader.cancel();
  }

  async #read(): Promise<void> {
    const { done, value } = await this.#reader.read();
    if (done) {
      this.ended = true;
      return;
    }
    const blocks = (this.#rest + new TextDecoder().decode(value)).split('\n\n');
    this.#rest = blocks.pop() ?? '';
    for (const block of blocks) this.#take(block.split('\n'));
  }

  #take(lines: string[]): void {
    const field = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
    const [id, event, data] = [field('id'), field('event'), field('data')];
    if (data === undefined) this.comments += 1;
    else this.events.push({ ...(id === undefined ? {} : { id }), ...(event === undefined ? {} : { event }), data });
  }
}

const SSE = { Accept: 'text/event-stream' };

async function stream(session: EdgeSession, query = '', who: string | Claims = 'alice', init: Init = {}): Promise<SseReader> {
  return new SseReader(
    await as(who, 'GET', `${session.path}/events${query}`, undefined, { headers: { ...SSE, ...init.headers } }),
  );
}

const upTo = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);

const openSockets = (session: EdgeSession): Promise<number> =>
  runInDurableObject(
    sessionStub(session.id),
    (_instance, state) => state.getWebSockets().filter((socket) => socket.readyState === WebSocket.READY_STATE_OPEN).length,
  );

test('P4: pages and then the socket, without gap or repeat', async () => {
  const session = await EdgeSession.make();
  const reader = await stream(session, '?limit=2');
  await reader.until('what was there', () => reader.seqs().length === 6);
  for (const text of ['seven', 'eight']) await session.must('bob', 'message.send', { text });
  await reader.until('what came since', () => reader.seqs().length === 8);
  expect(reader.seqs()).toEqual(upTo(1, 8));
  const answer = await as('alice', 'GET', `${session.path}/events`);
  const { items } = await answer.json<{ items: unknown[] }>();
  expect(reader.events.map(({ data }) => JSON.parse(data) as unknown)).toEqual(items);
  expect(reader.comments).toBeGreaterThan(0);
  await reader.cancel();
});

test('P4: while others write, each event comes once and in order', async () => {
  const session = await EdgeSession.make();
  const reader = await stream(session, '?after=2&limit=1');
  const writing = Promise.all(Array.from({ length: 60 }, (_, at) => session.must('bob', 'message.send', { text: `m${at}` })));
  await reader.until('all of them', () => reader.seqs().length >= 64, 20_000);
  await writing;
  expect(reader.seqs()).toEqual(upTo(3, 66));
  await reader.cancel();
});

test('Last-Event-ID resumes, and wins over after', async () => {
  const session = await EdgeSession.make();
  const reader = await stream(session, '?after=1', 'bob', { headers: { 'Last-Event-ID': '4' } });
  await reader.until('the rest', () => reader.seqs().length === 2);
  expect(reader.seqs()).toEqual([5, 6]);
  await reader.cancel();
});

test('a removed member is told 4403, the others 4410 once the session is deleted', async () => {
  const session = await EdgeSession.make();
  const [hers, his] = [await stream(session, '?after=6'), await stream(session, '?after=6', 'bob')];
  await session.must('alice', 'member.remove', { userId: 'bob' });
  await his.until('the end', () => his.close() !== undefined);
  expect(his.close()).toMatchObject({ code: 4403 });
  await session.must('alice', 'session.delete', {});
  await hers.until('the end', () => hers.close() !== undefined);
  expect(hers.close()).toMatchObject({ code: 4410 });
  expect(hers.seqs()).toEqual([7, 8]);
  await his.until('the end of the stream', () => true);
});

test('a token that expires ends its stream with 4401', async () => {
  const session = await EdgeSession.make();
  const reader = await stream(session, '', { sub: 'alice', exp: Math.floor(Date.now() / 1_000) + 2 });
  await reader.until('the end', () => reader.close() !== undefined);
  expect(reader.close()).toMatchObject({ code: 4401 });
});

test('a client that goes away leaves no socket behind', async () => {
  const session = await EdgeSession.make();
  const reader = await stream(session);
  await reader.until('it is connected', () => reader.seqs().length === 6);
  expect(await openSockets(session)).toBe(1);
  await reader.cancel();
  await eventually('the socket is closed', async () => (await openSockets(session)) === 0);
});

test('P9: a reader that does not read is held at the window, and told 4408 after what it had', async () => {
  const session = await EdgeSession.make();
  const reader = await stream(session, '?after=6');
  await reader.until('it is connected', () => reader.comments > 0);
  const text = '🦉'.repeat(49_000);
  const count = 50;
  expect(count * text.length * 2).toBeGreaterThan(WINDOW_BYTES);
  for (let sent = 0; sent < count; sent += 1) await session.must('bob', 'message.send', { text });
  const later = Date.now() + WINDOW_FULL_MS_MAX + 1_000;
  vi.spyOn(Date, 'now').mockImplementation(() => later);
  await runDurableObjectAlarm(sessionStub(session.id));
  await reader.until('the end', () => reader.close() !== undefined);
  expect(reader.close()).toMatchObject({ code: 4408 });
  expect(reader.seqs()).toEqual(upTo(7, 6 + reader.seqs().length));
  expect(reader.seqs().length).toBeLessThan(count);
  const bytes = reader.events.reduce((sum, { data }) => sum + new TextEncoder().encode(data).length, 0);
  expect(bytes).toBeLessThanOrEqual(WINDOW_BYTES + text.length * 2 + 1_000);
  await session.must('bob', 'message.send', { text: 'the others go on' });
});

test.each([
  { name: 'after ahead of the head', query: '?after=99', status: 409, code: 'epoch_changed' },
  { name: 'another epoch', query: '?epoch=other', status: 409, code: 'epoch_changed' },
  { name: 'a malformed after', query: '?after=x', status: 400, code: 'invalid_request' },
  { name: 'a malformed Last-Event-ID', query: '', lastEventId: '-1', status: 400, code: 'invalid_request' },
  { name: 'a stranger', query: '', who: 'sam', status: 404, code: 'session_not_found' },
])('a stream is refused before it begins: $name', async ({ query, lastEventId, who, status, code }) => {
  const session = await EdgeSession.make();
  const headers: Record<string, string> = lastEventId === undefined ? SSE : { ...SSE, 'Last-Event-ID': lastEventId };
  const response = await as(who ?? 'alice', 'GET', `${session.path}/events${query}`, undefined, { headers });
  expect(response.status).toBe(status);
  expect(await response.json()).toMatchObject({ code });
});

test('HEAD of a stream opens nothing', async () => {
  const session = await EdgeSession.make();
  const response = await send('HEAD', `${session.path}/events`, {
    headers: { ...SSE, Authorization: `Bearer ${await token({ sub: 'alice' })}` },
  });
  expect([response.status, response.headers.get('Content-Type')]).toEqual([200, 'text/event-stream']);
  expect(await openSockets(session)).toBe(0);
});

interface Page {
  items: { seq: number }[];
  head: number;
  epoch: string;
}

test('a long poll answers as soon as an event comes', async () => {
  const session = await EdgeSession.make();
  const asked = as('vera', 'GET', `${session.path}/events?after=6&wait=20000`);
  await eventually('it waits', async () => (await openSockets(session)) === 1);
  await session.must('bob', 'message.send', { text: 'seven' });
  const page = await (await asked).json<Page>();
  expect(page).toMatchObject({ items: [{ seq: 7 }], head: 7 });
  await eventually('it left no socket', async () => (await openSockets(session)) === 0);
});

test('a long poll answers at once what is there, and empty-handed when the time is up', async () => {
  const session = await EdgeSession.make();
  expect((await (await as('alice', 'GET', `${session.path}/events?wait=30000`)).json<Page>()).items).toHaveLength(6);
  const started = Date.now();
  const page = await (await as('alice', 'GET', `${session.path}/events?after=6&wait=300`)).json<Page>();
  expect(page).toMatchObject({ items: [], head: 6 });
  expect(Date.now() - started).toBeGreaterThanOrEqual(290);
});

test('a long poll of a member who is removed meanwhile is 404', async () => {
  const session = await EdgeSession.make();
  const asked = as('bob', 'GET', `${session.path}/events?after=6&wait=20000`);
  await eventually('it waits', async () => (await openSockets(session)) === 1);
  await session.must('alice', 'member.remove', { userId: 'bob' });
  expect((await asked).status).toBe(404);
});
