import { beforeAll, describe, expect, test } from 'vitest';
import type { ErrorCode } from '../../../shared/core/codes.ts';
import { addTraces } from '../edge.ts';
import { Arena, expectProblem, type Place, type Refusal } from './arena.ts';

/** Who may not, and where it may not be: contract §1, by HTTP and by socket. */

let arena: Arena;
beforeAll(async () => {
  arena = await Arena.make(['private', 'public', 'archived', 'deleted'], addTraces);
});

/** Each command in a form that its owner or author could send. */
const COMMANDS = [
  ['session.update', { title: 'Mine now' }],
  ['session.archive', {}],
  ['session.restore', {}],
  ['session.delete', {}],
  ['member.put', { userId: 'eve', role: 'member' }],
  ['member.remove', { userId: 'bob' }],
  ['message.send', { text: 'hello' }],
  ['message.edit', { messageId: 'm-alice', text: 'changed' }],
  ['message.delete', { messageId: 'm-alice' }],
  ['reaction.add', { messageId: 'm-alice', emoji: '👍' }],
  ['reaction.remove', { messageId: 'm-alice', emoji: '👍' }],
  ['trace.start', { name: 'plan' }],
  ['trace.append', { traceId: 't-open', spanId: 'b', name: 'b', startedAt: '2026-01-01T00:00:00Z' }],
  ['trace.finish', { traceId: 't-open', status: 'completed' }],
  ['trace.purge', { traceId: 't-open' }],
] as const;

/** What a member may do besides an owner. */
const OF_ANY_MEMBER = [
  'message.send',
  'member.remove',
  'reaction.add',
  'reaction.remove',
  'trace.start',
  'trace.append',
  'trace.finish',
];

function all(who: string, place: Place, status: number, code: ErrorCode, except: readonly string[] = []): Refusal[] {
  return COMMANDS.filter(([command]) => !except.includes(command)).map(([command, data]) => ({
    name: `${command} by ${who} in a ${place} session`,
    who,
    in: place,
    command,
    data,
    status,
    code,
  }));
}

const OF_MEMBERS: Refusal[] = [
  ...all('sam', 'private', 404, 'session_not_found'),
  ...all('fred', 'private', 404, 'session_not_found'),
  ...all('sam', 'public', 403, 'forbidden'),
  ...all('fred', 'public', 403, 'forbidden'),
  ...all('vera', 'private', 403, 'forbidden'),
  ...all('bob', 'private', 403, 'forbidden', OF_ANY_MEMBER),
];

const FORBIDDEN = { status: 403, code: 'forbidden' } as const;

const SINGLE: Refusal[] = [
  { name: 'a member removes another', who: 'bob', command: 'member.remove', data: { userId: 'vera' }, ...FORBIDDEN },
  {
    name: 'a member makes itself owner',
    who: 'bob',
    command: 'member.put',
    data: { userId: 'bob', role: 'owner' },
    ...FORBIDDEN,
  },
  {
    name: 'a viewer of a private session makes itself member',
    who: 'vera',
    command: 'member.put',
    data: { userId: 'vera', role: 'member' },
    ...FORBIDDEN,
  },
  {
    name: 'a stranger makes itself owner of a public session',
    who: 'sam',
    in: 'public',
    command: 'member.put',
    data: { userId: 'sam', role: 'owner' },
    ...FORBIDDEN,
  },
  {
    name: 'a stranger joins a private session',
    who: 'sam',
    command: 'member.put',
    data: { userId: 'sam', role: 'viewer' },
    status: 404,
    code: 'session_not_found',
  },
  {
    name: 'an owner edits what another wrote',
    command: 'message.edit',
    data: { messageId: 'm-bob', text: 'his words' },
    ...FORBIDDEN,
  },
  {
    name: 'a user takes the role of an assistant',
    command: 'message.send',
    data: { text: 'x', role: 'assistant' },
    ...FORBIDDEN,
  },
  { name: 'a user takes the role of the system', command: 'message.send', data: { text: 'x', role: 'system' }, ...FORBIDDEN },
  { name: 'a user takes the role of a tool', command: 'message.send', data: { text: 'x', role: 'tool' }, ...FORBIDDEN },
  { name: 'a user takes a name', command: 'message.send', data: { text: 'x', name: 'Someone' }, ...FORBIDDEN },
  {
    name: 'a user sets createdAt',
    command: 'message.send',
    data: { text: 'x', createdAt: '2020-01-01T00:00:00.000Z' },
    ...FORBIDDEN,
  },
  {
    name: 'an admin who is no service sets createdAt',
    who: { sub: 'alice', scope: 'admin' },
    command: 'message.send',
    data: { text: 'x', createdAt: '2020-01-01T00:00:00.000Z' },
    ...FORBIDDEN,
  },
];

const SPAN = { spanId: 'b', name: 'b', startedAt: '2026-01-01T00:00:00Z' };
const NO_TRACE = { status: 404, code: 'trace_not_found' } as const;

const OF_STATE: Refusal[] = [
  { name: 'the last owner leaves', command: 'member.remove', data: { userId: 'alice' }, status: 409, code: 'last_owner' },
  {
    name: 'the last owner becomes a member',
    command: 'member.put',
    data: { userId: 'alice', role: 'member' },
    status: 409,
    code: 'last_owner',
  },
  {
    name: 'the last owner becomes a viewer of a public session',
    in: 'public',
    command: 'member.put',
    data: { userId: 'alice', role: 'viewer' },
    status: 409,
    code: 'last_owner',
  },
  { name: 'nobody is removed', command: 'member.remove', data: { userId: 'eve' }, status: 404, code: 'member_not_found' },
  {
    name: 'a former member is removed',
    command: 'member.remove',
    data: { userId: 'fred' },
    status: 404,
    code: 'member_not_found',
  },
  {
    name: 'a stranger leaves a public session',
    who: 'sam',
    in: 'public',
    command: 'member.remove',
    data: { userId: 'sam' },
    status: 404,
    code: 'member_not_found',
  },
  {
    name: 'a message id that exists',
    command: 'message.send',
    data: { text: 'x', id: 'm-alice' },
    status: 409,
    code: 'conflict',
  },
  {
    name: 'a message id that existed',
    command: 'message.send',
    data: { text: 'x', id: 'm-gone' },
    status: 409,
    code: 'conflict',
  },
  {
    name: 'an unknown parent',
    command: 'message.send',
    data: { text: 'x', parentId: 'm-none' },
    status: 404,
    code: 'message_not_found',
  },
  {
    name: 'an unknown message is edited',
    command: 'message.edit',
    data: { messageId: 'm-none', text: 'x' },
    status: 404,
    code: 'message_not_found',
  },
  {
    name: 'a deleted message is edited',
    who: 'bob',
    command: 'message.edit',
    data: { messageId: 'm-gone', text: 'x' },
    status: 404,
    code: 'message_not_found',
  },
  {
    name: 'an unknown message is deleted',
    command: 'message.delete',
    data: { messageId: 'm-none' },
    status: 404,
    code: 'message_not_found',
  },
  ...['reaction.add', 'reaction.remove'].flatMap((command) =>
    ['m-none', 'm-gone'].map((messageId): Refusal => ({
      name: `${command} on ${messageId}`,
      command,
      data: { messageId, emoji: '👍' },
      status: 404,
      code: 'message_not_found',
    })),
  ),
  ...['t-open', 't-done', 't-gone'].map((id): Refusal => ({
    name: `a trace id that exists or existed: ${id}`,
    command: 'trace.start',
    data: { id, name: 'x' },
    status: 409,
    code: 'conflict',
  })),
  ...['t-none', 't-gone'].flatMap((traceId): Refusal[] => [
    { name: `a span of ${traceId}`, command: 'trace.append', data: { ...SPAN, traceId }, ...NO_TRACE },
    { name: `the end of ${traceId}`, command: 'trace.finish', data: { traceId, status: 'completed' }, ...NO_TRACE },
  ]),
  { name: 'an unknown trace is purged', command: 'trace.purge', data: { traceId: 't-none' }, ...NO_TRACE },
  {
    name: 'a span of a trace that has finished',
    command: 'trace.append',
    data: { ...SPAN, traceId: 't-done' },
    status: 409,
    code: 'conflict',
  },
  {
    name: 'another end of a trace',
    command: 'trace.finish',
    data: { traceId: 't-done', status: 'failed' },
    status: 409,
    code: 'conflict',
  },
  ...(
    [
      ['session.update', { title: 'New' }],
      ['member.put', { userId: 'eve', role: 'member' }],
      ['message.send', { text: 'x' }],
      ['message.edit', { messageId: 'm-alice', text: 'x' }],
      ['reaction.add', { messageId: 'm-alice', emoji: '👍' }],
      ['reaction.remove', { messageId: 'm-alice', emoji: '👍' }],
      ['trace.start', { name: 'plan' }],
      ['trace.append', { traceId: 't-open', spanId: 'b', name: 'b', startedAt: '2026-01-01T00:00:00Z' }],
    ] as const
  ).map(([command, data]): Refusal => ({
    name: `${command} in an archived session`,
    in: 'archived',
    command,
    data,
    status: 409,
    code: 'session_archived',
  })),
];

const ROWS = [...OF_MEMBERS, ...SINGLE, ...OF_STATE];

describe('by HTTP', () => {
  test.each([...ROWS, ...all('alice', 'deleted', 404, 'session_not_found'), ...all('sam', 'deleted', 404, 'session_not_found')])(
    '$name: $status $code',
    (row) => arena.byHttp(row),
  );
});

describe('by socket', () => {
  test.each(ROWS)('$name: $status $code', (row) => arena.bySocket(row));
});

describe('session.create', () => {
  test.each(['private', 'public', 'archived', 'deleted'] as const)(
    'with the id of a session that is %s: 409 conflict',
    async (place) => {
      for (const who of ['alice', 'sam']) {
        const answer = await arena.at(place).http(who, 'session.create', { id: arena.at(place).id, title: 'Again' });
        await expectProblem(answer, { status: 409, code: 'conflict' });
      }
      await arena.unchanged(place);
    },
  );
});

describe('acting for others', () => {
  const send = { command: 'message.send', data: { text: 'x' } };
  test.each([
    { name: 'without the scope', who: 'alice', actor: 'bob', status: 403, code: 'forbidden' },
    { name: 'as an admin only', who: { sub: 'alice', scope: 'admin' }, actor: 'bob', status: 403, code: 'forbidden' },
    {
      name: 'a kind that is none',
      who: { sub: 'svc', scope: 'service' },
      actor: 'bob;robot',
      status: 400,
      code: 'invalid_request',
    },
    { name: 'nobody', who: { sub: 'svc', scope: 'service' }, actor: ';agent', status: 400, code: 'invalid_request' },
    { name: 'an id with a slash', who: { sub: 'svc', scope: 'service' }, actor: 'a/b', status: 400, code: 'invalid_request' },
    { name: 'a viewer who writes', who: { sub: 'svc', scope: 'service' }, actor: 'vera', status: 403, code: 'forbidden' },
    { name: 'a stranger', who: { sub: 'svc', scope: 'service' }, actor: 'sam', status: 404, code: 'session_not_found' },
  ] as const)('$name: $status $code', async ({ actor, ...row }) => {
    await arena.byHttp({ ...row, ...send }, { headers: { 'Millrace-Actor': actor } });
    await arena.bySocket({ ...row, ...send }, { actor });
  });
  test.each([{ actor: 1 }, { actor: null }, { actor: {} }, { actor: ['bob'] }])('a frame with $actor: 400', async ({ actor }) => {
    const row = { name: '', who: { sub: 'svc', scope: 'service' }, ...send, status: 400, code: 'invalid_request' as const };
    await arena.bySocket(row, { actor });
  });
});

describe('idempotency keys', () => {
  test.each(['', 'a b', 'k'.repeat(129), 'ключ', '""'])('%j: 400 by both doors', async (key) => {
    const row = { name: '', command: 'message.send', data: { text: 'x' }, status: 400, code: 'invalid_request' as const };
    const header = /^[ -~]*$/.test(key) ? { 'Idempotency-Key': key } : undefined;
    if (header !== undefined) await arena.byHttp(row, { headers: header });
    await arena.bySocket(row, { idempotencyKey: key });
  });
  test.each([{ key: 1 }, { key: null }, { key: {} }, { key: ['k'] }])('$key in a frame: 400', async ({ key }) => {
    await arena.bySocket(
      { name: '', command: 'message.send', data: { text: 'x' }, status: 400, code: 'invalid_request' },
      { idempotencyKey: key },
    );
  });
  test('one that was used for another body or command: 422 by both doors', async () => {
    const own = await Arena.make();
    const session = own.at();
    const sent = await session.must('alice', 'message.send', { text: 'once' }, 'key-1');
    const before = await session.snapshot();
    for (const [command, data] of [
      ['message.send', { text: 'twice' }],
      ['session.update', { title: 'once' }],
    ] as const) {
      const answer = await session.http('alice', command, data, { headers: { 'Idempotency-Key': '"key-1"' } });
      await expectProblem(answer, { status: 422, code: 'idempotency_key_reused' });
      const frame = await session.frame(await own.socket('alice'), command, data, { idempotencyKey: 'key-1' });
      expect(frame).toMatchObject({ type: 'reject', error: { status: 422, code: 'idempotency_key_reused' } });
    }
    const replayed = await session.frame(
      await own.socket('alice'),
      'message.send',
      { text: 'once' },
      { idempotencyKey: 'key-1' },
    );
    expect(replayed).toMatchObject({ type: 'ack', replayed: true, result: sent });
    expect(await session.snapshot()).toBe(before);
  });
});
