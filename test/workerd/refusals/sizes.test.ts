import { expect, test } from 'vitest';
import { EVENT_BYTES_MAX } from '../../../shared/core/limits.ts';
import { as, EdgeSession, type Claims } from '../edge.ts';
import { Arena, expectProblem } from './arena.ts';
import { limited } from './limited.ts';

/** Events by their encoded size: contract §1, at most 512 KiB, else 413 payload_too_large. */

const TOO_LARGE = { status: 413, code: 'payload_too_large' } as const;
/** a code point that JSON writes with six bytes: nothing makes a text longer */
const ESCAPED = '\u0001';

const LARGEST = {
  text: ESCAPED.repeat(50_000),
  name: ESCAPED.repeat(200),
  toolCallId: ESCAPED.repeat(200),
  role: 'tool',
  mentions: Array.from({ length: 50 }, (_, at) => `${at}`.padStart(128, '"')),
  metadata: { k: 'x'.repeat(8 * 1024 - 8) },
};

async function largestEventBytes(session: EdgeSession, who: string | Claims): Promise<number> {
  const { items } = await (await as(who, 'GET', `${session.path}/events?after=6`)).json<{ items: object[] }>();
  return Math.max(...items.map((each) => new TextEncoder().encode(JSON.stringify(each)).length));
}

test('the largest message, edit and deletion that the fields allow are far from it: no legal body of today exceeds it', async () => {
  const session = await EdgeSession.make();
  const agent = { sub: 'bob', kind: 'agent', name: 'ä'.repeat(200) };
  await session.must(agent, 'message.send', { id: 'large', ...LARGEST });
  await session.must(agent, 'message.edit', { messageId: 'large', text: ESCAPED.repeat(50_000) });
  await session.must('alice', 'session.update', {
    title: ESCAPED.repeat(200),
    description: ESCAPED.repeat(2_000),
    metadata: LARGEST.metadata,
  });
  const bytes = await largestEventBytes(session, 'alice');
  expect(bytes).toBeGreaterThan(300_000);
  expect(bytes).toBeLessThan(EVENT_BYTES_MAX * 0.7);
  await session.must(agent, 'message.delete', { messageId: 'large' });
});

test('an event that its envelope carries over 512 KiB: 413 by both doors, nothing changed, and its key is still free', async () => {
  // the address of the schemas stands in every event: a long one brings legal texts over the bound
  const session = await limited({ PUBLIC_URL: `https://edge.example.com/${'p'.repeat(400 * 1024)}` });
  const socket = await session.connect('vera');
  await session.must('bob', 'message.send', { id: 'm1', text: 'small' });
  const before = await session.snapshot('bob');
  const large = { text: ESCAPED.repeat(40_000) };
  const headers = { 'Idempotency-Key': 'a-key' };
  await expectProblem(await session.http('bob', 'message.send', large, { headers }), TOO_LARGE);
  await expectProblem(await session.http('bob', 'message.edit', { messageId: 'm1', ...large }), TOO_LARGE);
  const frame = await session.frame(socket, 'message.send', large, { idempotencyKey: 'a-key' });
  expect(frame).toMatchObject({ type: 'reject', error: TOO_LARGE });
  expect(socket.closed).toBeUndefined();
  expect(await session.snapshot('bob')).toBe(before);
  expect((await session.http('bob', 'message.send', { text: 'small enough' }, { headers })).status).toBe(202);
});

test('a user id that no path carries is put and removed over the socket; its path touches nothing else', async () => {
  const arena = await Arena.make();
  for (const id of ['.', '..', '%2e%2e', '%2E.']) {
    for (const method of ['PUT', 'DELETE']) {
      const answer = await as(
        'alice',
        method,
        `${arena.at().path}/members/${id}`,
        method === 'PUT' ? { role: 'member' } : undefined,
      );
      expect([404, 405]).toContain(answer.status);
    }
  }
  await arena.unchanged();
  const session = arena.at();
  const socket = await session.connect('alice');
  for (const userId of ['.', '..']) {
    expect(await session.frame(socket, 'member.put', { userId, role: 'member' })).toMatchObject({ type: 'ack' });
    expect((await session.http({ sub: userId }, 'message.send', { text: 'here I am' })).status).toBe(202);
    expect(await session.frame(socket, 'member.remove', { userId })).toMatchObject({ type: 'ack' });
  }
});
