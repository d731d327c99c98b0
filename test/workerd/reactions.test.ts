import { evictDurableObject } from 'cloudflare:test';
import { expect, test } from 'vitest';
import type { MessageAnswer } from '../../shared/contract/answers.ts';
import { as, EdgeSession } from './edge.ts';
import { sessionStub } from './support.ts';

/** Reactions, threads and tombstones by the doors, with NATS and every consumer away (contract §1, §2). */

const reaction = (emoji: string) => ({ messageId: 'm-alice', emoji });

async function message(session: EdgeSession, who: string, id = 'm-alice'): Promise<MessageAnswer> {
  const response = await as(who, 'GET', `${session.path}/messages/${id}`);
  expect(response.status).toBe(200);
  return await response.json();
}

async function page(session: EdgeSession, query = ''): Promise<MessageAnswer[]> {
  const response = await as('alice', 'GET', `${session.path}/messages?${query}`);
  expect(response.status).toBe(200);
  return (await response.json<{ items: MessageAnswer[] }>()).items;
}

test('P5: a reaction is seen at once, by whose it is, and after an eviction', async () => {
  const session = await EdgeSession.make();
  await session.must('bob', 'reaction.add', reaction('🦉'));
  await session.must('alice', 'reaction.add', reaction('👍'));
  const added = await session.must('alice', 'reaction.add', reaction('🦉'));
  expect(added.entityId).toBe('m-alice');
  expect(added.eventId).not.toBeNull();
  const whole = (mine: boolean) => [
    { emoji: '🦉', count: 2, mine: true, userIds: ['bob', 'alice'] },
    { emoji: '👍', count: 1, mine, userIds: ['alice'] },
  ];
  expect((await message(session, 'alice')).reactions).toEqual(whole(true));
  expect((await message(session, 'bob')).reactions).toEqual(whole(false));
  await evictDurableObject(sessionStub(session.id));
  expect((await page(session)).find(({ id }) => id === 'm-alice')?.reactions).toEqual(whole(true));
  await session.must('bob', 'reaction.remove', reaction('🦉'));
  await session.must('alice', 'reaction.remove', reaction('👍'));
  expect((await message(session, 'bob')).reactions).toEqual([{ emoji: '🦉', count: 1, mine: false, userIds: ['alice'] }]);
});

test('on a page each message has its own', async () => {
  const session = await EdgeSession.make();
  for (const messageId of ['m1', 'm2', 'm3']) await session.must('alice', 'message.send', { id: messageId, text: messageId });
  await session.must('alice', 'reaction.add', { messageId: 'm3', emoji: '👍' });
  await session.must('bob', 'reaction.add', { messageId: 'm1', emoji: '👍' });
  await session.must('alice', 'reaction.add', { messageId: 'm1', emoji: '🦉' });
  const shown = (await page(session, 'limit=3')).map(({ id, reactions }) => [
    id,
    reactions.map(({ emoji, mine }) => [emoji, mine]),
  ]);
  expect(shown).toEqual([
    ['m3', [['👍', true]]],
    ['m2', []],
    [
      'm1',
      [
        ['👍', false],
        ['🦉', true],
      ],
    ],
  ]);
});

test('what is there already, or is not there, changes nothing, by either door and in either spelling', async () => {
  const session = await EdgeSession.make();
  await session.must('bob', 'reaction.add', reaction('❤️'));
  const unchanged = { eventId: null, unchanged: true };
  const again = await session.http('bob', 'reaction.add', reaction('❤'));
  expect([again.status, again.headers.get('Location')]).toEqual([202, null]);
  expect(await again.json()).toMatchObject(unchanged);
  const socket = await session.connect('bob');
  expect((await session.frame(socket, 'reaction.add', reaction('❤'))).result).toMatchObject(unchanged);
  expect((await session.frame(socket, 'reaction.remove', reaction('👎'))).result).toMatchObject(unchanged);
  await session.frame(socket, 'reaction.remove', reaction('❤'));
  await socket.until('the removal', () => socket.events().some(({ type }) => type === 'reaction.removed'));
  expect((await message(session, 'bob')).reactions).toEqual([]);
  expect(socket.events().at(-1)).toMatchObject({
    subject: 'm-alice',
    data: { messageId: 'm-alice', messageSeq: 2, emoji: '❤️', userId: 'bob' },
  });
});

test('of many users twenty are named, in the order in which they reacted, and all are counted', async () => {
  const session = await EdgeSession.make();
  const users = Array.from({ length: 23 }, (_, at) => `u${23 - at}`);
  for (const userId of users) {
    await session.must('alice', 'member.put', { userId, role: 'member' });
    await session.must(userId, 'reaction.add', reaction(':ship:'));
  }
  expect((await message(session, 'alice')).reactions).toEqual([
    { emoji: ':ship:', count: 23, mine: false, userIds: users.slice(0, 20) },
  ]);
  // the 21st and later are not named, and still know their own
  expect((await message(session, 'u1')).reactions[0]).toMatchObject({ count: 23, mine: true });
});

test('a deleted message keeps its row and its thread, and nothing that anyone wrote or felt', async () => {
  const session = await EdgeSession.make();
  await session.must('bob', 'message.send', { id: 'm-parent', text: 'secret one', mentions: ['alice'], metadata: { secret: 1 } });
  await session.must('bob', 'message.edit', { messageId: 'm-parent', text: 'secret two' });
  await session.must('alice', 'message.send', { id: 'm-reply', text: 'a reply', parentId: 'm-parent' });
  await session.must('alice', 'message.send', { id: 'm-second', text: 'another', parentId: 'm-parent' });
  await session.must('alice', 'reaction.add', { messageId: 'm-parent', emoji: '👍' });
  const socket = await session.connect('bob', '?after=0');
  await session.must('bob', 'message.delete', { messageId: 'm-parent' });
  await session.must('alice', 'message.delete', { messageId: 'm-reply' });
  // a deleted reply stays as a row of its thread, and counts
  const deleted = await message(session, 'alice', 'm-parent');
  expect(deleted).toMatchObject({ text: '', mentions: [], metadata: {}, reactions: [], replyCount: 2 });
  expect(deleted.deletedAt).toMatch(/Z$/);
  expect((await page(session, 'parentId=m-parent')).map(({ id, text }) => [id, text])).toEqual([
    ['m-second', 'another'],
    ['m-reply', ''],
  ]);
  const events = await as('alice', 'GET', `${session.path}/events`);
  expect(await events.text()).not.toContain('secret');
  await session.must('alice', 'message.send', { text: 'to a deleted parent', parentId: 'm-parent' });
  expect((await message(session, 'alice', 'm-parent')).replyCount).toBe(3);
  // who comes later, or comes back, reads the erased log
  await socket.until('the deletion', () => socket.events().filter(({ type }) => type === 'message.deleted').length >= 2);
  const late = await session.connect('bob', '?after=0');
  await late.until('the whole log', () => late.events().some(({ type }) => type === 'message.deleted'));
  expect(JSON.stringify(late.frames)).not.toContain('secret');
});

test('tool messages say which call they answer', async () => {
  const session = await EdgeSession.make();
  const agent = { sub: 'bob', kind: 'agent' };
  await session.must(agent, 'message.send', { id: 'm-tool', text: '42', role: 'tool', name: 'calculator', toolCallId: 'call-1' });
  expect(await message(session, 'alice', 'm-tool')).toMatchObject({
    role: 'tool',
    name: 'calculator',
    toolCallId: 'call-1',
    author: { id: 'bob', kind: 'agent' },
  });
});
