import { describe, expect, test } from 'vitest';
import type { Accepted } from '../../shared/contract/answers.ts';
import { as, EdgeSession } from './edge.ts';

/** What is accepted, as contract §1 has it: the counterpart of what is refused. */

type Body = Record<string, unknown>;

const sent = async (session: EdgeSession, who: string, name: Parameters<EdgeSession['http']>[1], data: Body, headers = {}) => {
  const answer = await session.http(who, name, data, { headers });
  expect(answer.status, await answer.clone().text()).toBe(202);
  return { answer, body: await answer.json<Accepted>() };
};

async function read<T = Body>(session: EdgeSession, path: string, who = 'alice'): Promise<T> {
  const answer = await as(who, 'GET', `${session.path}${path}`);
  expect(answer.status).toBe(200);
  return answer.json<T>();
}

describe('a command that changes nothing', () => {
  test.each([
    ['session.restore of an active session', 'session.restore', {}],
    ['the same role', 'member.put', { userId: 'bob', role: 'member' }],
    ['the same title', 'session.update', { title: 'Refusals' }],
    ['a deleted message is deleted again', 'message.delete', { messageId: 'm-gone' }],
  ] as const)('%s: 202 unchanged, without event, Location and status', async (_, name, data) => {
    const session = await EdgeSession.make();
    const { answer, body } = await sent(session, 'alice', name, data);
    expect(body).toMatchObject({ unchanged: true, eventId: null, seq: 6 });
    expect(answer.headers.get('Location')).toBeNull();
    expect((await as('alice', 'GET', `${session.path}/commands/${body.commandId}`)).status).toBe(404);
    expect(await read(session, '')).toMatchObject({ head: 6 });
  });
});

describe('in an archived session', () => {
  test.each([
    ['archive again', 'alice', 'session.archive', {}, true],
    ['remove a member', 'alice', 'member.remove', { userId: 'bob' }, false],
    ['leave', 'vera', 'member.remove', { userId: 'vera' }, false],
    ['delete a message', 'bob', 'message.delete', { messageId: 'm-bob' }, false],
    ['restore', 'alice', 'session.restore', {}, false],
    ['delete it', 'alice', 'session.delete', {}, false],
  ] as const)('%s', async (_, who, name, data, unchanged) => {
    const session = await EdgeSession.make();
    await session.must('alice', 'session.archive', {});
    const { body } = await sent(session, who, name, data);
    expect(body.unchanged ?? false).toBe(unchanged);
  });

  test('a retry with its key is answered as the first time', async () => {
    const session = await EdgeSession.make();
    const first = await session.must('bob', 'message.send', { text: 'before' }, 'key');
    await session.must('alice', 'session.archive', {});
    const { answer, body } = await sent(session, 'bob', 'message.send', { text: 'before' }, { 'Idempotency-Key': 'key' });
    expect(answer.headers.get('Idempotent-Replayed')).toBe('true');
    expect(body).toEqual(first);
  });
});

describe('a key', () => {
  test('"k" and k are the same; the replay carries the first correlation id, its header this request\'s', async () => {
    const session = await EdgeSession.make();
    const send = (key: string, id: string) =>
      sent(session, 'bob', 'message.send', { text: 'x' }, { 'Idempotency-Key': key, 'X-Correlation-Id': id });
    const first = await send('"k"', 'first-id');
    const second = await send('k', 'second-id');
    expect(second.body).toEqual(first.body);
    expect(first.body.correlationId).toBe('first-id');
    expect(second.answer.headers.get('X-Correlation-Id')).toBe('second-id');
    expect(second.answer.headers.get('Location')).toBe(first.answer.headers.get('Location'));
  });

  test('belongs to actor and session: others use the same', async () => {
    const [session, other] = [await EdgeSession.make(), await EdgeSession.make()];
    for (const [where, who] of [
      [session, 'bob'],
      [session, 'alice'],
      [other, 'bob'],
    ] as const) {
      const { answer } = await sent(where, who, 'message.send', { text: who }, { 'Idempotency-Key': 'shared' });
      expect(answer.headers.get('Idempotent-Replayed')).toBeNull();
    }
  });

  test('a refusal does not use it up', async () => {
    const session = await EdgeSession.make();
    const headers = { 'Idempotency-Key': 'k' };
    expect((await session.http('bob', 'message.edit', { messageId: 'm-none', text: 'x' }, { headers })).status).toBe(404);
    await sent(session, 'bob', 'message.send', { text: 'x' }, headers);
  });
});

describe('messages', () => {
  test.each([
    'a\u0000b',
    '  white space around \n',
    'é and e\u0301 are not the same',
    '\ufeffwith a byte order mark',
    '<script>alert(1)</script> \u202e {{x}} ${y}',
    '👩‍👩‍👧‍👦 \u{10ffff}',
    'line\r\nends\u2028of\u2029all kinds',
  ])('the text %j is kept exactly', async (text) => {
    const session = await EdgeSession.make();
    const { body } = await sent(session, 'bob', 'message.send', { text });
    expect(await read(session, `/messages/${body.entityId}`)).toMatchObject({ text });
    const { items } = await read<{ items: { data: Body }[] }>(session, '/events?after=6');
    expect(items[0]?.data['text']).toBe(text);
  });

  test('a deleted message can be read and answered; its text is gone', async () => {
    const session = await EdgeSession.make();
    await sent(session, 'bob', 'message.send', { id: 'reply', text: 'to what?', parentId: 'm-gone' });
    expect(await read(session, '/messages/m-gone')).toMatchObject({ text: '', replyCount: 1, mentions: [], metadata: {} });
    expect(await read(session, '/messages?parentId=m-gone')).toMatchObject({ items: [{ id: 'reply' }] });
  });

  test('an agent speaks under another role and name, a service at another time', async () => {
    const session = await EdgeSession.make();
    const agent = { sub: 'bob', kind: 'agent' };
    const spoken = { text: 'x', role: 'tool', name: 'search', toolCallId: 'call-1' };
    expect((await session.http(agent, 'message.send', { id: 'a', ...spoken })).status).toBe(202);
    expect(await read(session, '/messages/a')).toMatchObject({ ...spoken, author: { id: 'bob', kind: 'agent' } });
    const service = { sub: 'svc', scope: 'service' };
    const createdAt = '2020-02-29T23:59:59.123Z';
    const headers = { 'Millrace-Actor': 'bob' };
    expect((await session.http(service, 'message.send', { id: 'b', text: 'then', createdAt }, { headers })).status).toBe(202);
    expect(await read(session, '/messages/b')).toMatchObject({ createdAt, author: { id: 'bob', kind: 'user' } });
  });
});

test('the deleter of a session still gets the status of its deletion, and nothing else; others get nothing', async () => {
  const session = await EdgeSession.make();
  const said = await session.must('alice', 'message.send', { text: 'x' });
  const deleted = await session.must('alice', 'session.delete', {});
  const status = (who: string, id: string) => as(who, 'GET', `${session.path}/commands/${id}`);
  expect(await (await status('alice', deleted.commandId)).json()).toMatchObject({ type: 'session.delete', seq: deleted.seq });
  expect((await status('alice', said.commandId)).status).toBe(404);
  expect((await status('bob', deleted.commandId)).status).toBe(404);
});

test('one of a public session may join it as member or viewer, read before, and write after', async () => {
  const session = await EdgeSession.make('public');
  expect(await read(session, '/messages', 'sam')).toMatchObject({ items: [{}, {}, {}] });
  await sent(session, 'sam', 'member.put', { userId: 'sam', role: 'viewer' });
  expect((await session.http('sam', 'message.send', { text: 'x' })).status).toBe(403);
  await sent(session, 'sam', 'member.put', { userId: 'sam', role: 'member' });
  await sent(session, 'sam', 'message.send', { text: 'x' });
});
