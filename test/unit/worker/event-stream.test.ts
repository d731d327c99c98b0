import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Event } from '../../../shared/core/types.ts';
import type { EventsPage } from '../../../worker/session/api.ts';
import { event, problem, world } from './support.ts';

/** Server-sent events over a scripted socket to the Session, on a clock of our own. */

type Listener = (event: object) => void;

/** The Session's end of the socket, as the platform hands it to the Worker. */
class ScriptedSocket {
  readonly sent: string[] = [];
  isClosed = false;
  #isAccepted = false;
  readonly #listeners = new Map<string, Listener>();

  addEventListener(type: string, listener: Listener): void {
    this.#listeners.set(type, listener);
  }
  accept(): void {
    this.#isAccepted = true;
    this.frame({ type: 'welcome', from: 1, recovered: true });
  }
  send(text: string): void {
    this.sent.push(text);
  }
  close(): void {
    this.isClosed = true;
  }

  async accepted(): Promise<void> {
    await vi.waitFor(() => expect(this.#isAccepted).toBe(true));
  }
  frame(frame: object): void {
    this.#listeners.get('message')?.({ data: JSON.stringify(frame) });
  }
  events(...events: Event[]): void {
    this.frame({ type: 'events', events });
  }
  end(code: number, reason: string): void {
    this.#listeners.get('close')?.({ code, reason });
  }
}

/** A reader that takes a chunk when it is told to. */
class Reader {
  readonly chunks: string[] = [];
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;

  constructor(response: Response) {
    this.#reader = (response.body as ReadableStream<Uint8Array>).getReader();
  }

  async next(): Promise<string> {
    const { done, value } = await this.#reader.read();
    const chunk = done ? '' : new TextDecoder().decode(value);
    this.chunks.push(chunk);
    return chunk;
  }

  cancel(): Promise<void> {
    return this.#reader.cancel();
  }
}

const NO_EVENTS: EventsPage = { erasedSubjects: [], events: [], head: 0, epoch: 'x' };

async function streamed(query = '', pages: EventsPage[] = [NO_EVENTS]) {
  const it = world();
  const socket = new ScriptedSocket();
  // Node's Response knows no status 101
  it.session.fetch.mockImplementation(async () => ({ status: 101, webSocket: socket }) as unknown as Response);
  for (const page of pages) it.session.events.mockImplementationOnce(async () => ({ ok: true, value: page }));
  const open = async () => {
    const response = await it.as('GET', `/v1/sessions/s1/events${query}`, undefined, { Accept: 'text/event-stream' });
    expect([response.status, response.headers.get('Content-Type')]).toEqual([200, 'text/event-stream']);
    return new Reader(response);
  };
  return { ...it, socket, open };
}

const dataOf = (chunk: string) => [...chunk.matchAll(/^data: (.*)$/gm)].map(([, json]) => JSON.parse(json ?? '') as unknown);

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] }));
afterEach(() => void vi.useRealTimers());

test('a comment every 15 s, and a ping that keeps the socket', async () => {
  const { socket, open } = await streamed();
  const reader = await open();
  expect(await reader.next()).toBe(':\n\n');
  for (let round = 1; round <= 3; round += 1) {
    const next = reader.next();
    await vi.advanceTimersByTimeAsync(14_999);
    expect(reader.chunks).toHaveLength(round);
    await vi.advanceTimersByTimeAsync(1);
    expect(await next).toBe(':\n\n');
    expect(socket.sent).toEqual(Array.from({ length: round }, () => 'ping'));
  }
  await reader.cancel();
  expect(socket.isClosed).toBe(true);
});

test('comments come also while events do', async () => {
  const { socket, open } = await streamed();
  const reader = await open();
  await reader.next();
  socket.events(event(1));
  expect(await reader.next()).toContain('id: 1\n');
  await vi.advanceTimersByTimeAsync(15_000);
  socket.events(event(2));
  expect(await reader.next()).toBe(':\n\n');
  expect(await reader.next()).toContain('id: 2\n');
});

test.each([
  { code: 4408, reason: 'too slow' },
  { code: 4410, reason: 'session deleted' },
  { code: 4403, reason: 'removed' },
  { code: 4401, reason: 'token expired' },
])('the Session closes with $code: what came before it, then event: close', async ({ code, reason }) => {
  const { socket, open } = await streamed();
  const reader = await open();
  socket.events(event(1));
  socket.events(event(2));
  socket.end(code, reason);
  await reader.next();
  expect([await reader.next(), await reader.next()].map((chunk) => /id: (\d)/.exec(chunk)?.[1])).toEqual(['1', '2']);
  const last = await reader.next();
  expect(last).toMatch(/^event: close\n/);
  expect(dataOf(last)).toEqual([{ code, reason }]);
  expect(await reader.next()).toBe('');
});

test('a cut connection ends as a restart', async () => {
  const { socket, open } = await streamed();
  const reader = await open();
  socket.end(1006, '');
  await reader.next();
  expect(dataOf(await reader.next())).toEqual([{ code: 1012, reason: 'come back with jitter' }]);
});

test('P4: what is older than the tail comes from the archive, then from the tail, then live', async () => {
  const older: EventsPage = { archived: { from: 1, to: 2 }, erasedSubjects: [], events: [event(3)], head: 5, epoch: 'x' };
  const rest: EventsPage = { erasedSubjects: [], events: [event(4), event(5)], head: 5, epoch: 'x' };
  const it = await streamed('?limit=3', [older, rest]);
  it.uplink.request.mockImplementation(async (_subject, payload) => {
    expect(JSON.parse(payload)).toMatchObject({ op: 'events', sessionId: 's1', from: 1, to: 2 });
    return { ok: true, payload: JSON.stringify({ ok: true, op: 'events', events: [event(1), event(2)] }) };
  });
  const reader = await it.open();
  await reader.next();
  const seqs = (chunk: string) => [...chunk.matchAll(/^id: (\d+)$/gm)].map(([, seq]) => Number(seq));
  expect(seqs(await reader.next())).toEqual([1, 2, 3]);
  expect(it.session.fetch).not.toHaveBeenCalled();
  expect(seqs(await reader.next())).toEqual([4, 5]);
  const live = reader.next();
  await it.socket.accepted();
  it.socket.events(event(5), event(6));
  expect(seqs(await live)).toEqual([6]);
  const address = new URL(it.session.fetch.mock.calls[0]?.[0].url ?? '');
  expect(Object.fromEntries(address.searchParams)).toEqual({ after: '5', epoch: 'x' });
});

test('the archive out of reach before the first event: 503, and no stream', async () => {
  const it = await streamed('', [{ archived: { from: 1, to: 2 }, erasedSubjects: [], events: [], head: 5, epoch: 'x' }]);
  const response = await it.as('GET', '/v1/sessions/s1/events', undefined, { Accept: 'text/event-stream' });
  expect(await problem(response)).toMatchObject({ status: 503, code: 'unavailable' });
});

describe('signals', () => {
  const typing = (at: number) => ({
    name: 'typing',
    user: { id: 'bob', kind: 'user' },
    data: { active: true },
    at: new Date(at).toISOString(),
  });

  test('signals=1 adds event: signal, in order with the events', async () => {
    const { socket, open } = await streamed('?signals=1');
    const reader = await open();
    await reader.next();
    socket.frame({ type: 'signal', ...typing(0) });
    socket.events(event(1));
    const first = await reader.next();
    expect(first).toMatch(/^event: signal\ndata: [^\n]*\n\n$/);
    expect(dataOf(first)).toEqual([typing(0)]);
    expect(await reader.next()).toContain('id: 1\n');
  });

  test.each(['', '?signals=0'])('%j has none', async (query) => {
    const { socket, open } = await streamed(query);
    const reader = await open();
    await reader.next();
    socket.frame({ type: 'signal', ...typing(0) });
    socket.events(event(1));
    expect(await reader.next()).toContain('id: 1\n');
  });

  test('P9: of those that wait for a slow reader the newest 100 are kept, and every event', async () => {
    const { socket, open } = await streamed('?signals=1');
    const reader = await open();
    await reader.next();
    socket.events(event(1));
    for (let at = 0; at < 150; at += 1) socket.frame({ type: 'signal', ...typing(at) });
    socket.end(4408, 'too slow');
    expect(await reader.next()).toContain('id: 1\n');
    for (let at = 50; at < 150; at += 1) expect(dataOf(await reader.next())).toEqual([typing(at)]);
    expect(await reader.next()).toContain('event: close');
  });

  test('P9: and no more than 1 MiB of them', async () => {
    const { socket, open } = await streamed('?signals=1');
    const reader = await open();
    await reader.next();
    const chunk = (index: number) => ({ name: 'stream', data: { messageId: 'm', index, text: 'x'.repeat(300_000) } });
    for (let index = 0; index < 10; index += 1) socket.frame({ type: 'signal', ...chunk(index) });
    socket.end(4408, 'too slow');
    for (let index = 7; index < 10; index += 1) expect(dataOf(await reader.next())).toEqual([chunk(index)]);
    expect(await reader.next()).toContain('event: close');
  });

  test.each(['2', 'yes', '-1'])('signals=%s: 400', async (value) => {
    const response = await world().as('GET', `/v1/sessions/s1/events?signals=${value}`, undefined, {
      Accept: 'text/event-stream',
    });
    expect(await problem(response)).toMatchObject({ status: 400, code: 'invalid_request' });
  });

  test('a long poll is not ended by one', async () => {
    const it = await streamed('', [NO_EVENTS, { ...NO_EVENTS, events: [event(1)], head: 1 }]);
    const asked = it.as('GET', '/v1/sessions/s1/events?wait=20000&signals=1');
    await it.socket.accepted();
    it.socket.frame({ type: 'signal', ...typing(0) });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(it.session.events).toHaveBeenCalledTimes(1);
    it.socket.events(event(1));
    expect(await (await asked).json()).toMatchObject({ items: [{ seq: 1 }], head: 1 });
  });
});
