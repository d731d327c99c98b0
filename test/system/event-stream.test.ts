import { afterAll, beforeAll, expect, test } from 'vitest';
import { sessionPath, until, User } from '../support/client.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing, startStack, type Stack } from '../support/stack.ts';

let stack: Stack;
let alice: User;

/** Reads `id:` lines until the response ends or is aborted. */
async function readIds(response: Response, ids: number[]): Promise<void> {
  let rest = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    const lines = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.startsWith('id: ')) ids.push(Number(line.slice('id: '.length)));
  }
}

requireOrSkip('nats-server', natsServerMissing())('server-sent events', () => {
  beforeAll(async () => {
    stack = await startStack({ parts: ['nats', 'edge'] });
    alice = new User(stack.url, await stack.token('alice'));
  });
  afterAll(async () => {
    await alice?.close();
    await stack?.stop();
  });

  async function stream(sessionId: string, lastEventId: number | undefined, ids: number[]): Promise<AbortController> {
    const aborting = new AbortController();
    const response = await fetch(`${stack.url}${sessionPath(sessionId)}/events`, {
      headers: {
        Accept: 'text/event-stream',
        Authorization: `Bearer ${await stack.token('alice')}`,
        ...(lastEventId === undefined ? {} : { 'Last-Event-ID': String(lastEventId) }),
      },
      signal: aborting.signal,
    });
    expect([response.status, response.headers.get('Content-Type')]).toEqual([200, 'text/event-stream']);
    void readIds(response, ids).catch(() => undefined);
    return aborting;
  }

  test('P4: a reader who goes away 30 times and comes back with Last-Event-ID misses nothing and sees nothing twice', async () => {
    const sessionId = 'streamed';
    await alice.create({ id: sessionId, title: 'Streamed' });
    const ids: number[] = [];
    // more often than a user may have sockets: each is closed behind its reader
    for (let round = 1; round <= 30; round += 1) {
      const aborting = await stream(sessionId, ids.at(-1), ids);
      await alice.send(sessionId, `round ${round}`);
      await until(`event ${round + 1}`, () => ids.at(-1) === round + 1);
      aborting.abort();
    }
    expect(ids).toEqual(Array.from({ length: 31 }, (_, at) => at + 1));
  });

  test('a long poll wakes up when another writes', async () => {
    const sessionId = 'polled';
    await alice.create({ id: sessionId, title: 'Polled' });
    const asked = alice.get(`${sessionPath(sessionId)}/events?after=1&wait=25000`);
    await alice.send(sessionId, 'wake up');
    expect((await asked).body).toMatchObject({ head: 2, items: [{ seq: 2 }] });
  });
});
