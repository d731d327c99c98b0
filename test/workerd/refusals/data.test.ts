import { beforeAll, describe, expect, test } from 'vitest';
import { addTraces } from '../edge.ts';
import { Arena, type Refusal } from './arena.ts';

/** What `data` may not be: contract §1, by HTTP and by socket. */

let arena: Arena;
beforeAll(async () => {
  arena = await Arena.make(['private'], addTraces);
});

const INVALID = { status: 400, code: 'invalid_request' } as const;
const OWL = '🦉';
const LONE = '\ud83e';
const userIds = (count: number) => Array.from({ length: count }, (_, at) => `u${at}`);

function rows(command: string, base: object, cases: readonly [name: string, data: object][]): Refusal[] {
  return cases.map(([name, data]) => ({ name: `${command}: ${name}`, command, data: { ...base, ...data }, ...INVALID }));
}

/** All that a field of this kind may not be. */
const wrongText = (field: string, max: number): [string, object][] => [
  [`${field} is empty`, { [field]: '' }],
  [`${field} is a number`, { [field]: 1 }],
  [`${field} is null`, { [field]: null }],
  [`${field} is a list`, { [field]: ['x'] }],
  [`${field} has ${max + 1} code points`, { [field]: OWL.repeat(max + 1) }],
  [`${field} has a lone surrogate`, { [field]: `a${LONE}b` }],
];

const wrongId = (field: string): [string, object][] =>
  ['', 'a b', 'a/b', 'a.b', 'a*', 'ä', '>', 'x'.repeat(65), 7, null, {}, []].map((id) => [
    `${field} is ${JSON.stringify(id).slice(0, 20)}`,
    { [field]: id },
  ]);

const METADATA: [string, object][] = [
  ['metadata is a list', { metadata: [] }],
  ['metadata is null', { metadata: null }],
  ['metadata is a string', { metadata: 'x' }],
  ['metadata has 8 KiB and a byte', { metadata: { k: 'x'.repeat(8 * 1024 - '{"k":""}'.length + 1) } }],
  ['metadata has 8 KiB and more in UTF-8 only', { metadata: { k: 'ä'.repeat(4_096) } }],
  ['metadata has a lone surrogate', { metadata: { k: LONE } }],
  ['metadata has a lone surrogate in a name', { metadata: { [LONE]: 1 } }],
  ['metadata nests 101 levels', { metadata: nested(101) }],
];

function nested(levels: number): object {
  let value: object = {};
  for (let level = 1; level < levels; level += 1) value = { k: value };
  return value;
}

const UPDATE: Refusal[] = rows('session.update', {}, [
  ...wrongText('title', 200),
  ['description has 2,001 code points', { description: OWL.repeat(2_001) }],
  ['description is a number', { description: 1 }],
  ...METADATA,
  ['visibility cannot change', { visibility: 'public' }],
  ['an unknown field', { colour: 'red' }],
]);

const SEND: Refusal[] = [
  ...rows('message.send', { text: 'x' }, [
    ...wrongId('id'),
    ...wrongId('parentId'),
    ...METADATA,
    ['text is missing', { text: undefined }],
    ['text is null', { text: null }],
    ['text is a number', { text: 1 }],
    ['text is an object', { text: {} }],
    ['text has a lone surrogate', { text: `x${LONE}` }],
    ['text has a lone low surrogate', { text: '\udd89x' }],
    ['role is unknown', { role: 'boss' }],
    ['role is null', { role: null }],
    ['51 mentions', { mentions: userIds(51) }],
    ['a mention with a space', { mentions: ['a b'] }],
    ['a mention is a number', { mentions: [1] }],
    ['mentions is a string', { mentions: 'bob' }],
    ['createdAt is no time', { createdAt: 'yesterday' }],
    ['createdAt has no day', { createdAt: '2026-02-30T00:00:00Z' }],
    ['createdAt is a number', { createdAt: 0 }],
    ['toolCallId is empty', { toolCallId: '' }],
    ['name is empty', { name: '' }],
    ['status is not for senders', { status: 'completed' }],
    ['seq is not for senders', { seq: 1 }],
    ['an unknown field', { colour: 'red' }],
    ['a field of another case', { Text: 'x' }],
  ]),
  { name: 'message.send: text is empty', command: 'message.send', data: { text: '' }, status: 400, code: 'message_empty' },
  {
    name: 'message.send: text is white space',
    command: 'message.send',
    data: { text: ' \n\t\u00a0\u2003\u3000' },
    status: 400,
    code: 'message_empty',
  },
  {
    name: 'message.send: 50,001 code points of one byte',
    command: 'message.send',
    data: { text: 'x'.repeat(50_001) },
    status: 400,
    code: 'message_too_long',
  },
  {
    name: 'message.send: 50,001 code points of four bytes',
    command: 'message.send',
    data: { text: OWL.repeat(50_001) },
    status: 400,
    code: 'message_too_long',
  },
];

const OTHERS: Refusal[] = [
  ...rows('message.edit', { messageId: 'm-alice' }, [
    ['text is missing', {}],
    ['text is a number', { text: 1 }],
    ['an unknown field', { text: 'x', metadata: {} }],
  ]),
  {
    name: 'message.edit: text is empty',
    command: 'message.edit',
    data: { messageId: 'm-alice', text: '' },
    status: 400,
    code: 'message_empty',
  },
  {
    name: 'message.edit: 50,001 code points',
    command: 'message.edit',
    data: { messageId: 'm-alice', text: OWL.repeat(50_001) },
    status: 400,
    code: 'message_too_long',
  },
  ...rows('message.edit', { text: 'x' }, [
    ['messageId has a space', { messageId: 'a b' }],
    ['messageId has a dot', { messageId: 'a.b' }],
    ['messageId has 65 characters', { messageId: 'x'.repeat(65) }],
  ]),
  ...rows('message.delete', { messageId: 'm-alice' }, [
    ['an unknown field', { reason: 'x' }],
    ['messageId has a star', { messageId: 'm-*' }],
  ]),
  ...rows('member.put', { userId: 'eve' }, [
    ['role is missing', {}],
    ['role is unknown', { role: 'admin' }],
    ['role is null', { role: null }],
    ['an unknown field', { role: 'member', name: 'Eve' }],
    ['userId has a space', { userId: 'e ve', role: 'member' }],
    ['userId has a slash', { userId: 'e/ve', role: 'member' }],
    ['userId is not ASCII', { userId: 'ève', role: 'member' }],
    ['userId has a control character', { userId: 'e\u0007ve', role: 'member' }],
    ['userId has 129 characters', { userId: 'e'.repeat(129), role: 'member' }],
  ]),
  ...rows('member.remove', { userId: 'bob' }, [
    ['an unknown field', { role: 'member' }],
    ['userId has a space', { userId: 'b ob' }],
  ]),
  ...['session.archive', 'session.restore', 'session.delete'].flatMap((command) =>
    rows(command, {}, [['an unknown field', { force: true }]]),
  ),
];

const REACTIONS: Refusal[] = ['reaction.add', 'reaction.remove'].flatMap((command) => [
  ...rows(command, { messageId: 'm-alice' }, [
    ['emoji is a word', { emoji: 'ok' }],
    ['emoji is a digit', { emoji: '1' }],
    ['emoji is two', { emoji: '👍👍' }],
    ['emoji is half a flag', { emoji: '🇩' }],
    ['emoji has white space', { emoji: '👍 ' }],
    ['emoji has no name', { emoji: '::' }],
    ['emoji has a name with a space', { emoji: ':a b:' }],
    ['emoji has a name of 63', { emoji: `:${'x'.repeat(63)}:` }],
    ['emoji is endless', { emoji: '👍'.repeat(500) }],
    ['an unknown field', { emoji: '👍', userId: 'bob' }],
  ]),
  ...rows(command, { emoji: '👍' }, [['messageId has a dot', { messageId: 'a.b' }]]),
]);

const STARTED = '2026-01-01T00:00:00Z';
const payload = (bytes: number): string => 'x'.repeat(bytes - 2);
const TRACES: Refusal[] = [
  ...rows('trace.start', { name: 'plan' }, [
    ['name is missing', { name: undefined }],
    ...wrongText('name', 200),
    ...wrongId('id'),
    ...METADATA,
    ['an unknown field', { startedAt: STARTED }],
  ]),
  ...rows('trace.append', { traceId: 't-open', spanId: 'b', name: 'b', startedAt: STARTED }, [
    ['name is missing', { name: undefined }],
    ...wrongText('name', 200),
    ...wrongText('status', 200),
    ['spanId is missing', { spanId: undefined }],
    ...wrongId('spanId'),
    ...wrongId('parentSpanId'),
    ['kind is unknown', { kind: 'human' }],
    ['startedAt is missing', { startedAt: undefined }],
    ['startedAt is no time', { startedAt: 'now' }],
    ['endedAt is a number', { endedAt: 1 }],
    ['endedAt is before startedAt', { endedAt: '2025-12-31T23:59:59.999Z' }],
    ['input is over 64 KiB', { input: payload(64 * 1024 + 1) }],
    ['output is over 64 KiB in UTF-8 only', { output: 'ä'.repeat(32 * 1024) }],
    ['input nests 101 levels', { input: nested(101) }],
    ['output has a lone surrogate', { output: [LONE] }],
    ...METADATA,
    ['an unknown field', { durationMs: 1 }],
  ]),
  ...rows('trace.append', { spanId: 'b', name: 'b', startedAt: STARTED }, [['traceId has a dot', { traceId: 'a.b' }]]),
  ...rows('trace.finish', { traceId: 't-open' }, [
    ['status is missing', {}],
    ['status is running', { status: 'running' }],
    ['error is a number', { status: 'failed', error: 1 }],
    ['error has 2,001 code points', { status: 'failed', error: OWL.repeat(2_001) }],
    ['an unknown field', { status: 'failed', durationMs: 1 }],
  ]),
  ...rows('trace.purge', { traceId: 't-open' }, [['an unknown field', { force: true }]]),
];

const CREATE: Refusal[] = rows('session.create', { title: 'x' }, [
  ['title is missing', { title: undefined }],
  ...wrongText('title', 200),
  ...wrongId('id'),
  ...METADATA,
  ['visibility is unknown', { visibility: 'secret' }],
  ['members is an object', { members: {} }],
  ['101 members', { members: userIds(101).map((userId) => ({ userId, role: 'member' })) }],
  ['a member without role', { members: [{ userId: 'eve' }] }],
  ['a member with an unknown field', { members: [{ userId: 'eve', role: 'member', name: 'Eve' }] }],
  [
    'a member twice',
    {
      members: [
        { userId: 'eve', role: 'member' },
        { userId: 'eve', role: 'viewer' },
      ],
    },
  ],
  ['an unknown field', { owner: 'eve' }],
]);

const ROWS = [...UPDATE, ...SEND, ...OTHERS, ...REACTIONS, ...TRACES, ...CREATE];

describe('by HTTP', () => {
  test.each(ROWS)('$name: $code', (row) => arena.byHttp(row));
});

describe('by socket', () => {
  test.each([
    ...ROWS,
    ...['message.edit', 'message.delete'].map((command): Refusal => ({
      name: `${command}: messageId is missing`,
      command,
      data: command === 'message.edit' ? { text: 'x' } : {},
      ...INVALID,
    })),
    { name: 'member.put: userId is missing', command: 'member.put', data: { role: 'member' }, ...INVALID },
    ...[{ messageId: 'm-alice' }, { emoji: '👍' }, { messageId: 'm-alice', emoji: 1 }, { messageId: 'm-alice', emoji: '' }].map(
      (data): Refusal => ({ name: `reaction.add: ${JSON.stringify(data)}`, command: 'reaction.add', data, ...INVALID }),
    ),
    ...['trace.append', 'trace.finish', 'trace.purge'].map((command): Refusal => ({
      name: `${command}: traceId is missing`,
      command,
      data: { spanId: 'b', name: 'b', startedAt: STARTED, status: 'completed' },
      ...INVALID,
    })),
    { name: 'an unknown command', command: 'message.shout', data: { text: 'x' }, ...INVALID },
    { name: 'a command named like a property', command: '__proto__', data: {}, ...INVALID },
    { name: 'a command named constructor', command: 'constructor', data: {}, ...INVALID },
    { name: 'no command', command: '', data: {}, ...INVALID },
    { name: 'data is null', command: 'message.send', data: null, ...INVALID },
    { name: 'data is a list', command: 'message.send', data: [], ...INVALID },
    { name: 'data is a string', command: 'message.send', data: 'x', ...INVALID },
    { name: 'data is missing', command: 'message.send', data: undefined, ...INVALID },
    { name: 'data nests 10,000 levels', command: 'session.update', data: { metadata: nested(1_000) }, ...INVALID },
  ])('$name: $code', (row) => arena.bySocket(row));
});

describe('what is just allowed is accepted', () => {
  test.each([
    { name: '50,000 code points of four bytes', command: 'message.send', data: { text: OWL.repeat(50_000) } },
    { name: 'a title of 200 code points', command: 'session.update', data: { title: OWL.repeat(200) } },
    { name: '50 mentions', command: 'message.send', data: { text: 'x', mentions: userIds(50) } },
    { name: '8 KiB of metadata', command: 'message.send', data: { text: 'x', metadata: { k: 'x'.repeat(8 * 1024 - 8) } } },
    { name: 'metadata of 100 levels', command: 'message.send', data: { text: 'x', metadata: nested(100) } },
    { name: 'the longest emoji', command: 'reaction.add', data: { messageId: 'm-alice', emoji: '👩🏻‍❤️‍💋‍👩🏿' } },
    { name: 'an emoji with a name', command: 'reaction.add', data: { messageId: 'm-alice', emoji: `:${'x'.repeat(62)}:` } },
    {
      name: '64 KiB in and out',
      command: 'trace.append',
      data: {
        traceId: 't-open',
        spanId: 'b',
        name: 'b',
        startedAt: STARTED,
        input: payload(64 * 1024),
        output: { k: 'ä'.repeat(32 * 1024 - 4) },
      },
    },
    { name: 'an id of 64 characters', command: 'message.send', data: { text: 'x', id: '_-'.repeat(32) } },
  ] as const)('$name', async ({ command, data }) => {
    const own = await Arena.make(['private'], addTraces);
    expect((await own.at().http('alice', command, data)).status).toBe(202);
  });
});
