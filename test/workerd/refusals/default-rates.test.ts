import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { LIMIT_VARIABLES } from '../../../shared/core/limits.ts';
import { as, type EdgeSession, type Frame } from '../edge.ts';
import { expectProblem } from './arena.ts';
import { limited } from './limited.ts';

/** The limits of contract §6 where an operator sets none. Time stands still, so that every count is exact. */

const LIMITED = { status: 429, code: 'rate_limited' } as const;
/** an empty variable counts as unset */
const DEFAULTS = Object.fromEntries(Object.values(LIMIT_VARIABLES).map((variable) => [variable, '']));
const AT_ONCE = 50;

beforeEach(() => {
  const nowMs = Date.now();
  vi.spyOn(Date, 'now').mockImplementation(() => nowMs);
});
afterEach(() => void vi.restoreAllMocks());

async function sendMany(session: EdgeSession, who: string, count: number): Promise<Response[]> {
  const answers: Response[] = [];
  while (answers.length < count) {
    const batch = Math.min(AT_ONCE, count - answers.length);
    answers.push(...(await Promise.all(Array.from({ length: batch }, () => session.http(who, 'message.send', { text: 'x' })))));
  }
  return answers;
}

const taken = (answers: readonly Response[]): number => answers.filter(({ status }) => status === 202).length;

async function headOf(session: EdgeSession): Promise<number> {
  return (await (await as('bob', 'GET', session.path)).json<{ head: number }>()).head;
}

describe('commands', () => {
  test('300 at once of one user, then 429 with Retry-After by HTTP and reject by socket; another user goes on', async () => {
    const session = await limited(DEFAULTS);
    const answers = await sendMany(session, 'bob', 310);
    expect(taken(answers)).toBe(300);
    const refused = answers.filter(({ status }) => status !== 202);
    for (const answer of refused) {
      expect(answer.headers.get('Retry-After')).toBe('1');
      await expectProblem(answer, LIMITED);
    }
    const socket = await session.connect('bob');
    const frame = await session.frame(socket, 'message.send', { text: 'x' });
    // 100 a second: the next token comes in 10 ms
    expect(frame).toMatchObject({ type: 'reject', error: { ...LIMITED, retryAfterMs: 10 } });
    expect(taken(await sendMany(session, 'vera', 1))).toBe(1);
    expect(await headOf(session)).toBe(1 + 300 + 1);
  });

  test('100 more of them a second later, and no more', async () => {
    const session = await limited(DEFAULTS);
    expect(taken(await sendMany(session, 'bob', 301))).toBe(300);
    const laterMs = Date.now() + 1_000;
    vi.spyOn(Date, 'now').mockImplementation(() => laterMs);
    expect(taken(await sendMany(session, 'bob', 110))).toBe(100);
  });

  test('2,000 a second of a whole session, and its neighbours go on', async () => {
    const members = Array.from({ length: 7 }, (_, at) => `user-${at}`);
    const session = await limited(DEFAULTS);
    for (const userId of members) await session.must('root', 'member.put', { userId, role: 'member' });
    const sockets = await Promise.all(members.map((userId) => session.connect(userId)));
    for (let sent = 0; sent < 300; sent += 1) {
      for (const socket of sockets) {
        socket.send({ type: 'command', id: `f${sent}`, command: 'message.send', data: { text: 'x' } });
      }
    }
    const ofType = (type: string): number =>
      sockets.reduce((sum, { frames }) => sum + (frames as Frame[]).filter((frame) => frame.type === type).length, 0);
    for (const socket of sockets) {
      await socket.until('all answers', () => (socket.frames as Frame[]).filter(({ id }) => id !== undefined).length === 300);
    }
    expect(ofType('ack')).toBe(2_000 - 1 - members.length);
    expect(ofType('reject')).toBe(300 * members.length - ofType('ack'));
    await expectProblem(await session.http('vera', 'message.send', { text: 'x' }), LIMITED);
    const neighbour = await limited(DEFAULTS);
    expect(taken(await sendMany(neighbour, 'vera', 1))).toBe(1);
  }, 120_000);
});

describe('sockets', () => {
  test('20 of one user, and the 21st is 429', async () => {
    const session = await limited(DEFAULTS);
    for (let at = 0; at < 20; at += 1) await session.connect('bob');
    await expectProblem(await session.upgrade('bob'), LIMITED);
    await session.connect('vera');
  });

  test('600 frames at once, then closed 4429; of their commands 300 are taken and the others rejected', async () => {
    const session = await limited(DEFAULTS);
    const socket = await session.connect('bob');
    for (let sent = 0; sent < 620; sent += 1) {
      socket.send({ type: 'command', id: `f${sent}`, command: 'message.send', data: { text: `${sent}` } });
    }
    expect((await socket.until('the close', () => socket.closed)).code).toBe(4429);
    const frames = socket.frames as Frame[];
    expect(frames.filter(({ type }) => type === 'ack').length).toBe(300);
    expect(frames.filter(({ type, error }) => type === 'reject' && error?.code === 'rate_limited').length).toBe(300);
    expect(await headOf(session)).toBe(1 + 300);
  });
});
