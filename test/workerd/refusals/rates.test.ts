import { describe, expect, test } from 'vitest';
import { as, EdgeSession, type Frame } from '../edge.ts';
import { sessionStub } from '../support.ts';
import { expectProblem } from './arena.ts';
import { limited } from './limited.ts';

/** Contract §6: rates are set by environment, and refused with how long to wait. */

/** a token a second: few come back while a test runs */
const SLOW = { LIMIT_COMMANDS_PER_S: '1', LIMIT_COMMANDS_BURST: '2' };
const LIMITED = { status: 429, code: 'rate_limited' } as const;

describe('commands', () => {
  test('of one user: 429 with Retry-After, reject with retryAfterMs, and others go on', async () => {
    const session = await limited(SLOW);
    const socket = await session.connect('bob');
    const before = Date.now();
    const answers = await Promise.all(Array.from({ length: 12 }, () => session.http('bob', 'message.send', { text: 'x' })));
    const refusedOnes = answers.filter((answer) => answer.status !== 202);
    const earned = Math.ceil((Date.now() - before) / 1_000);
    expect(refusedOnes.length).toBeGreaterThanOrEqual(12 - 2 - earned);
    for (const answer of refusedOnes) {
      expect(answer.headers.get('Retry-After')).toBe('1');
      await expectProblem(answer, LIMITED);
    }
    const frames = await Promise.all(Array.from({ length: 12 }, () => session.frame(socket, 'message.send', { text: 'x' })));
    const rejects = frames.filter((frame) => frame.type === 'reject');
    expect(rejects.length).toBeGreaterThanOrEqual(8);
    for (const { error } of rejects) {
      expect(error).toMatchObject(LIMITED);
      expect(error?.retryAfterMs).toBeGreaterThan(0);
      expect(error?.retryAfterMs).toBeLessThanOrEqual(1_000);
    }
    expect(socket.closed).toBeUndefined();
    expect((await session.http('vera', 'message.send', { text: 'x' })).status).toBe(202);
    const { head } = await (await as('vera', 'GET', session.path)).json<{ head: number }>();
    const taken = answers.length - refusedOnes.length + frames.length - rejects.length;
    expect(head).toBe(1 + taken + 1);
  });

  test('of a whole session: 429 to all of it, and not to its neighbours', async () => {
    const session = await limited({ LIMIT_SESSION_COMMANDS_PER_S: '4' });
    const neighbour = await EdgeSession.make();
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, at) => session.http(at % 2 === 0 ? 'bob' : 'vera', 'message.send', { text: 'x' })),
    );
    expect(answers.filter((answer) => answer.status === 429).length).toBeGreaterThanOrEqual(15);
    expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([202, 429]));
    expect((await neighbour.http('bob', 'message.send', { text: 'x' })).status).toBe(202);
  });
});

describe('sockets', () => {
  test('one more than a user may have: 429 with Retry-After, and a place that is freed is free', async () => {
    const session = await limited({ LIMIT_SOCKETS_PER_USER: '2' });
    const [first] = [await session.connect('bob'), await session.connect('bob')];
    const third = await session.upgrade('bob');
    expect(third.headers.get('Retry-After')).toMatch(/^[1-9]\d*$/);
    await expectProblem(third, LIMITED);
    expect(
      (await as('bob', 'GET', `${session.path}/events`, undefined, { headers: { Accept: 'text/event-stream' } })).status,
    ).toBe(429);
    await session.connect('vera');
    first.close();
    await first.until('the close', () => first.closed);
    await session.connect('bob');
  });

  test('more frames than allowed: closed 4429, and the others stay open', async () => {
    const session = await limited({ LIMIT_FRAMES_PER_S: '1', LIMIT_FRAMES_BURST: '5' });
    const [bob, vera] = [await session.connect('bob'), await session.connect('vera')];
    for (let sent = 0; sent < 10; sent += 1) {
      bob.send({ type: 'command', id: `f${sent}`, command: 'message.send', data: { text: `${sent}` } });
    }
    expect((await bob.until('the close', () => bob.closed)).code).toBe(4429);
    const acks = (bob.frames as Frame[]).filter((frame) => frame.type === 'ack');
    expect(acks.length).toBeGreaterThanOrEqual(5);
    expect(acks.length).toBeLessThan(10);
    await vera.until('what was taken', () => vera.seqs().length === acks.length);
    expect(await session.frame(vera, 'message.send', { text: 'x' })).toMatchObject({ type: 'ack' });
  });
});

test('too much that waits to be persisted: 503 overloaded with Retry-After', async () => {
  const session = await limited({ LIMIT_UNPERSISTED_EVENTS: '3' });
  for (const text of ['two', 'three']) await session.must('bob', 'message.send', { text });
  const answer = await session.http('bob', 'message.send', { text: 'four' });
  expect(answer.headers.get('Retry-After')).toBe('5');
  await expectProblem(answer, { status: 503, code: 'overloaded' });
  const socket = await session.connect('bob');
  const frame = await session.frame(socket, 'message.send', { text: 'four' });
  expect(frame).toMatchObject({ type: 'reject', error: { status: 503, code: 'overloaded', retryAfterMs: 5_000 } });
  expect(await (await as('bob', 'GET', session.path)).json()).toMatchObject({ head: 3 });
});

describe('a full embedded store', () => {
  const OVERLOADED = { status: 503, code: 'overloaded' } as const;
  const tell = (session: EdgeSession, embeddedMessages?: number) => {
    const receipt = { tenant: 'default', sessionId: session.id, seqs: [], publishedAt: 1, persistedAt: 1 };
    return sessionStub(session.id).takeReceipt(receipt, embeddedMessages);
  };

  test('takes no new message, by either door: 503 with Retry-After; all else goes on', async () => {
    const session = await limited({ LIMIT_EMBEDDED_MESSAGES: '10' });
    await session.must('bob', 'message.send', { id: 'm1', text: 'one' });
    await tell(session, 8);
    for (const text of ['nine', 'ten']) await session.must('bob', 'message.send', { text }, `key-of-${text}`);
    const answer = await session.http('bob', 'message.send', { text: 'eleven' });
    expect(answer.headers.get('Retry-After')).toBe('60');
    await expectProblem(answer, OVERLOADED);
    const socket = await session.connect('vera');
    const frame = await session.frame(socket, 'message.send', { text: 'eleven' });
    expect(frame).toMatchObject({ type: 'reject', error: { ...OVERLOADED, retryAfterMs: 60_000 } });
    await session.must('bob', 'message.send', { text: 'ten' }, 'key-of-ten');
    await session.must('bob', 'message.edit', { messageId: 'm1', text: 'uno' });
    await session.must('bob', 'message.delete', { messageId: 'm1' });
    expect(await (await as('bob', 'GET', session.path)).json()).toMatchObject({ head: 6 });
  });

  test('of which another session is told nothing takes messages until it is told', async () => {
    const session = await limited({ LIMIT_EMBEDDED_MESSAGES: '10' });
    await session.must('bob', 'message.send', { text: 'who knows' });
    await tell(session, 10);
    await expectProblem(await session.http('bob', 'message.send', { text: 'full' }), OVERLOADED);
    await tell(session);
    await session.must('bob', 'message.send', { text: 'another store took its place' });
  });
});
