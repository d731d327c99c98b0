import { expect, test } from 'vitest';
import type { SignalFrame } from '../../shared/contract/frames.ts';
import { as, EdgeSession } from './edge.ts';
import type { TestSocket } from './support.ts';

/** read.advance, and where its pointer is seen: contract §1, §2 and §4. */

function reads(socket: TestSocket): { user: string; seq: number }[] {
  return socket.frames
    .filter((frame): frame is SignalFrame => frame.type === 'signal' && frame.name === 'read')
    .map(({ user, data }) => ({ user: user.id, seq: (data as { seq: number }).seq }));
}

async function pointerOf(session: EdgeSession, userId: string): Promise<number | undefined> {
  const response = await as('alice', 'GET', `${session.path}/members`);
  const { items } = await response.json<{ items: { user: { id: string }; readSeq: number }[] }>();
  return items.find(({ user }) => user.id === userId)?.readSeq;
}

test('it moves forward only, is seen by all, and makes no event', async () => {
  const session = await EdgeSession.make();
  const watching = await session.connect('alice');
  const moved = await session.must('vera', 'read.advance', { seq: 3 });
  expect(moved).toMatchObject({ eventId: null, entityId: 'vera' });
  expect(moved).not.toHaveProperty('unchanged');
  expect(await session.must('vera', 'read.advance', { seq: 2 })).toMatchObject({ eventId: null, unchanged: true });
  await watching.until('the signal', () => reads(watching).length > 0);
  expect(reads(watching)).toEqual([{ user: 'vera', seq: 3 }]);
  expect(await pointerOf(session, 'vera')).toBe(3);
  const socket = await session.connect('vera');
  const welcome = await socket.until('the welcome', () => socket.frames.find((frame) => frame.type === 'welcome'));
  expect(welcome).toMatchObject({ readSeq: 3, head: moved.seq });
});

test('many of one user are told as the last, by socket as by HTTP', async () => {
  const session = await EdgeSession.make();
  for (let at = 0; at < 30; at += 1) await session.must('alice', 'message.send', { text: `${at}` });
  const watching = await session.connect('alice');
  const reader = await session.connect('bob');
  for (let seq = 1; seq <= 30; seq += 1) await session.frame(reader, 'read.advance', { seq });
  await watching.until('the last', () => reads(watching).some(({ seq }) => seq === 30));
  const seen = reads(watching).map(({ seq }) => seq);
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  expect(seen.length).toBeLessThan(30);
  expect(await pointerOf(session, 'bob')).toBe(30);
});

test('sending moves no pointer: a receipt is given by reading', async () => {
  const session = await EdgeSession.make();
  await session.must('bob', 'message.send', { text: 'mine' });
  expect(await pointerOf(session, 'bob')).toBe(0);
});

test('an archived session can be read to its end', async () => {
  const session = await EdgeSession.make();
  await session.must('alice', 'session.archive', {});
  expect(await session.must('vera', 'read.advance', { seq: 2 })).toMatchObject({ eventId: null });
});
