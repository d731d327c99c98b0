import { describe, expect, test, type TestContext } from 'vitest';
import { refusedByHttp } from '../doors.ts';
import { eventually } from '../eventually.ts';
import { signalFrame } from '../frames.ts';
import { ask } from '../http.ts';
import type { Person } from '../people.ts';
import { event, eventPage, type WireEvent } from '../schemas.ts';
import { Scene, type World } from '../scene.ts';

interface Sent {
  event: string;
  data: string;
  id?: string;
}

/** Reads server-sent events until it is closed. */
export class EventStream {
  readonly sent: Sent[] = [];
  comments = 0;
  ended = false;
  readonly #aborting = new AbortController();

  static async open(url: string, path: string, who: Person, headers: Record<string, string> = {}): Promise<EventStream> {
    const stream = new EventStream();
    const response = await fetch(url + path, {
      headers: { Accept: 'text/event-stream', Authorization: `Bearer ${who.token}`, ...headers },
      signal: stream.#aborting.signal,
    });
    expectEventStream(response);
    void stream.#read(response).catch(() => undefined);
    return stream;
  }

  get events(): WireEvent[] {
    return this.sent.filter(({ id }) => id !== undefined).map(({ data }) => event.parse(JSON.parse(data)));
  }

  close(): void {
    this.#aborting.abort();
  }

  async #read(response: Response): Promise<void> {
    let rest = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      const blocks = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) this.#take(block);
    }
    this.ended = true;
  }

  #take(block: string): void {
    const lines = block.split('\n');
    this.comments += lines.filter((line) => line.startsWith(':')).length;
    const field = (name: string): string[] =>
      lines.filter((line) => line.startsWith(`${name}:`)).map((line) => line.slice(name.length + 1).trimStart());
    const data = field('data').join('\n');
    if (data === '') return;
    const [id] = field('id');
    this.sent.push({ event: field('event')[0] ?? 'message', data, ...(id === undefined ? {} : { id }) });
  }
}

function expectEventStream({ status, headers }: Response): void {
  expect([status, headers.get('Content-Type')?.split(';')[0]]).toEqual([200, 'text/event-stream']);
}

export function catchUpSuite(world: World): void {
  describe('events', () => {
    pageTests(world);
    refusedTests(world);
  });
  describe('a long poll', () => pollTests(world));
  describe('server-sent events', () => streamTests(world));
}

async function scenario(world: World, messages: number): Promise<Scene> {
  const scene = await Scene.make(world);
  for (let at = 0; at < messages; at += 1) await scene.message('member', { text: `m ${at}` });
  return scene;
}

function pageTests(world: World): void {
  test('come after a seq, by pages, up to the head', async () => {
    const scene = await scenario(world, 6);
    const first = await scene.read('viewer', '/events?limit=3', eventPage);
    expect([first.items.map(({ seq }) => seq), first.head]).toEqual([[1, 2, 3], 7]);
    const second = await scene.read('viewer', `/events?after=3&limit=1000&epoch=${encodeURIComponent(first.epoch)}`, eventPage);
    expect(second.items.map(({ seq }) => seq)).toEqual([4, 5, 6, 7]);
    const none = await scene.read('viewer', '/events?after=7', eventPage);
    expect(none).toEqual({ items: [], head: 7, epoch: first.epoch });
    expect(none.epoch).toBe((await scene.socket('viewer')).welcome.epoch);
    await scene.end();
  });

  test('are at most 512 KiB a page', async () => {
    const scene = await Scene.make(world);
    for (let at = 0; at < 4; at += 1) await scene.message('member', { text: '漢'.repeat(50_000) });
    const seen: number[] = [];
    let pages = 0;
    while ((seen.at(-1) ?? 0) < 5 && pages < 10) {
      const { items } = await scene.read('viewer', `/events?after=${seen.at(-1) ?? 0}`, eventPage);
      expect(Buffer.byteLength(JSON.stringify(items))).toBeLessThanOrEqual(512 * 1_024);
      seen.push(...items.map(({ seq }) => seq));
      pages += 1;
    }
    expect(seen).toEqual([1, 2, 3, 4, 5]);
  });
}

function refusedTests(world: World): void {
  test('after, limit, wait and epoch that cannot be', async () => {
    const scene = await scenario(world, 1);
    const { token } = scene.people.viewer;
    const codes = async (query: string): Promise<string> => {
      return refusedByHttp(await ask(world.target.url, 'GET', `${scene.path}/events?${query}`, { token })).problem.code;
    };
    for (const after of ['-1', '1.0', '0x1', '1e1', '', '2147483648', 'x', '%201', '+1'])
      expect([after, await codes(`after=${after}`)]).toEqual([after, 'invalid_request']);
    for (const query of ['limit=0', 'limit=1001', 'limit=x', 'wait=30001', 'wait=-1', 'wait=x'])
      expect([query, await codes(query)]).toEqual([query, 'invalid_request']);
    for (const query of ['after=3', 'after=2147483647', 'epoch=another', 'after=1&epoch=another'])
      expect([query, await codes(query)]).toEqual([query, 'epoch_changed']);
  });
}

function pollTests(world: World): void {
  test('answers as soon as there is something', async () => {
    const scene = await scenario(world, 1);
    const startedMs = Date.now();
    const asked = scene.read('viewer', '/events?after=2&wait=30000', eventPage);
    await scene.message('member', { text: 'woken' });
    expect(await asked).toMatchObject({ items: [{ seq: 3, data: { text: 'woken' } }], head: 3 });
    expect(Date.now() - startedMs).toBeLessThan(25_000);
    // what is there already is answered at once
    expect((await scene.read('viewer', '/events?after=0&wait=30000', eventPage)).items).toHaveLength(3);
  });

  test('answers an empty page when its time is over', async () => {
    const scene = await scenario(world, 1);
    const startedMs = Date.now();
    expect((await scene.read('viewer', '/events?after=2&wait=1500', eventPage)).items).toEqual([]);
    expect(Date.now() - startedMs).toBeGreaterThanOrEqual(1_400);
  });
}

function streamTests(world: World): void {
  const open = async (
    onTestFinished: TestContext['onTestFinished'],
    scene: Scene,
    query = '',
    headers: Record<string, string> = {},
  ): Promise<EventStream> => {
    const stream = await EventStream.open(world.target.url, `${scene.path}/events${query}`, scene.people.viewer, headers);
    onTestFinished(() => stream.close());
    return stream;
  };
  const reached = (stream: EventStream, seq: number): Promise<boolean> =>
    eventually(`seq ${seq}`, () => stream.events.at(-1)?.seq === seq);

  test('are the same events, each with its seq as id, and go on live', async ({ onTestFinished }) => {
    const scene = await scenario(world, 2);
    const stream = await open(onTestFinished, scene, '?after=0');
    await reached(stream, 3);
    await scene.message('member', { text: 'live' });
    await reached(stream, 4);
    expect(stream.events).toEqual(await scene.events());
    expect(stream.sent.map(({ id }) => id)).toEqual(['1', '2', '3', '4']);
  });

  test('resume after Last-Event-ID, which wins over after', async ({ onTestFinished }) => {
    const scene = await scenario(world, 3);
    const stream = await open(onTestFinished, scene, '?after=0', { 'Last-Event-ID': '3' });
    await reached(stream, 4);
    expect(stream.events.map(({ seq }) => seq)).toEqual([4]);
  });

  test('carry signals where they are asked for', async ({ onTestFinished }) => {
    const scene = await scenario(world, 1);
    const [plain, withSignals] = [await open(onTestFinished, scene), await open(onTestFinished, scene, '?signals=1')];
    const socket = await scene.socket('member');
    await reached(withSignals, 2);
    const typing = (): Sent[] =>
      withSignals.sent.filter(
        ({ event: type, data }) => type === 'signal' && (JSON.parse(data) as { name?: string }).name === 'typing',
      );
    socket.send({ type: 'signal', name: 'typing', data: { active: true } });
    await eventually('typing', () => typing().length > 0);
    const frame: unknown = JSON.parse(typing()[0]?.data ?? '');
    expect(signalFrame.parse(typeof frame === 'object' ? { type: 'signal', ...frame } : frame)).toMatchObject({
      name: 'typing',
      user: { id: scene.id('member') },
      data: { active: true },
    });
    expect(plain.sent.filter(({ event: type }) => type === 'signal')).toEqual([]);
    await scene.end();
  });

  test('end with the close code of a socket', async ({ onTestFinished }) => {
    const scene = await scenario(world, 1);
    const stream = await open(onTestFinished, scene);
    await reached(stream, 2);
    await scene.act('owner', 'member.remove', { userId: scene.id('viewer') });
    await eventually('its end', () => stream.ended);
    const last = stream.sent.at(-1);
    expect([last?.event, last?.data]).toEqual(['close', expect.stringContaining('4403')]);
  });

  test('have a comment every 15 s', { timeout: 60_000 }, async ({ onTestFinished }) => {
    const scene = await scenario(world, 1);
    const stream = await open(onTestFinished, scene);
    await eventually('a comment', () => stream.comments > 0, 25_000);
  });

  test('are refused as the page is', async () => {
    const scene = await scenario(world, 1);
    const codeOf = async (query: string, who: Person): Promise<string> => {
      const headers = { Accept: 'text/event-stream' };
      const answer = await ask(world.target.url, 'GET', `${scene.path}/events${query}`, { token: who.token, headers });
      return refusedByHttp(answer).problem.code;
    };
    expect(await codeOf('', scene.people.stranger)).toBe('session_not_found');
    expect(await codeOf('?after=x', scene.people.viewer)).toBe('invalid_request');
    expect(await codeOf('?after=9', scene.people.viewer)).toBe('epoch_changed');
  });
}
