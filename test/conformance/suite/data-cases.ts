import type { Case } from '../cases.ts';
import type { CommandName, Data } from '../routes.ts';
import type { ProblemCode } from '../schemas.ts';
import type { Scene } from '../scene.ts';

const newId = (): string => crypto.randomUUID();
const AT = '2026-01-02T03:04:05.678Z';
const EIGHT_KIB = 8 * 1_024;

/** Metadata of exactly so many bytes of JSON. */
function metadataOf(bytes: number): Data {
  const frame = JSON.stringify({ m: '' }).length;
  return { m: 'm'.repeat(bytes - frame) };
}

type Given = Data | ((scene: Scene) => Data | Promise<Data>);

function row(command: CommandName, title: string, given: Given, expects: Case['expects'], as: Case['as'] = 'owner'): Case {
  return { command, title, as, expects, given: typeof given === 'function' ? given : () => given };
}

/** What the schema refuses is the same code by every door. */
function refused(command: CommandName, cases: readonly (readonly [title: string, given: Given, code?: ProblemCode])[]): Case[] {
  return cases.map(([title, given, code]) => row(command, title, given, code ?? 'invalid_request'));
}

const onOwn =
  (more: Data) =>
  async (scene: Scene): Promise<Data> => ({ messageId: await scene.message('owner'), ...more });
const onStream =
  (more: Data) =>
  async (scene: Scene): Promise<Data> => ({ messageId: await scene.stream('owner'), ...more });
const onTrace =
  (more: Data) =>
  async (scene: Scene): Promise<Data> => ({ traceId: await scene.trace('owner'), ...more });
const span = (more: Data): Data => ({ spanId: newId(), name: 'n', startedAt: AT, ...more });
const people = (many: number): string[] => Array.from({ length: many }, (_, at) => `user-${at}`);

const sessions: Case[] = [
  ...refused('session.create', [
    ['without a title', () => ({ id: newId() })],
    ['with an empty title', () => ({ id: newId(), title: '' })],
    ['with a title of 201', () => ({ id: newId(), title: 'T'.repeat(201) })],
    ['with an unknown field', () => ({ id: newId(), title: 'T', more: 1 })],
    ['with another visibility', () => ({ id: newId(), title: 'T', visibility: 'secret' })],
    ['with 101 members', () => ({ id: newId(), title: 'T', members: people(101).map((userId) => ({ userId, role: 'member' })) })],
    ['with a member of no role', () => ({ id: newId(), title: 'T', members: [{ userId: 'u' }] })],
    ['with metadata above 8 KiB', () => ({ id: newId(), title: 'T', metadata: metadataOf(EIGHT_KIB + 1) })],
    ['with metadata that is a list', () => ({ id: newId(), title: 'T', metadata: [] })],
  ]),
  row(
    'session.create',
    'with metadata of 8 KiB',
    () => ({ id: newId(), title: 'T', metadata: metadataOf(EIGHT_KIB) }),
    'session.created',
  ),
  row(
    'session.create',
    'with 100 members',
    () => ({ id: newId(), title: 'T', members: people(100).map((userId) => ({ userId, role: 'viewer' })) }),
    'session.created',
  ),
  ...refused('session.update', [
    ['with an empty title', { title: '' }],
    ['of the visibility', { visibility: 'public' }],
    ['of the title to null', { title: null }],
  ]),
  ...refused('session.archive', [['with a field', { why: 'x' }]]),
  ...refused('member.put', [
    ['to no role', (scene) => ({ userId: scene.id('member') })],
    ['to an unknown role', (scene) => ({ userId: scene.id('member'), role: 'admin' })],
    ['of a user id of 129', { userId: 'u'.repeat(129), role: 'member' }],
    ['of a user id with a space', { userId: 'a b', role: 'member' }],
    ['of a user id with a slash', { userId: 'a/b', role: 'member' }],
  ]),
  row(
    'member.put',
    'of a user id of 128 odd characters',
    { userId: `%2e*>.'"\\<${'u'.repeat(118)}`, role: 'viewer' },
    'member.added',
  ),
];

const LONE = 'a \ud800 b';
const messages: Case[] = [
  ...refused('message.send', [
    ['without a text', {}],
    ['with an empty text', { text: '' }, 'message_empty'],
    ['with white space alone', { text: ' \t\r\n\u2003' }, 'message_empty'],
    ['with 50,001 characters', { text: 'x'.repeat(50_001) }, 'message_too_long'],
    ['with 50,001 characters outside the basic plane', { text: '🙂'.repeat(50_001) }, 'message_too_long'],
    ['with a lone surrogate', { text: LONE }],
    ['with a text that is a number', { text: 1 }],
    ['with an unknown field', { text: 'x', channel: 'c' }],
    ['with an odd id', { text: 'x', id: 'a.b' }],
    ['with an id of 65', { text: 'x', id: 'i'.repeat(65) }],
    ['with an unknown role', { text: 'x', role: 'robot' }],
    ['with 51 mentions', { text: 'x', mentions: people(51) }],
    ['with metadata above 8 KiB in UTF-8', { text: 'x', metadata: { m: '🙂'.repeat(2_048) } }],
  ]),
  row('message.send', 'with 50,000 characters outside the basic plane', { text: '🙂'.repeat(50_000) }, 'message.created'),
  row('message.send', 'with 50 mentions', { text: 'x', mentions: people(50) }, 'message.created'),
  row('message.send', 'with an id of 64', () => ({ text: 'x', id: newId().padEnd(64, '_') }), 'message.created'),
  ...refused('message.edit', [
    ['to white space', onOwn({ text: '  ' }), 'message_empty'],
    ['to 50,001 characters', onOwn({ text: 'x'.repeat(50_001) }), 'message_too_long'],
    ['without a text', onOwn({})],
    ['of other fields', onOwn({ text: 'x', metadata: {} })],
  ]),
  ...refused('message.delete', [['with a field', onOwn({ why: 'x' })]]),
  ...refused('reaction.add', [
    ['with letters', onOwn({ emoji: 'ab' })],
    ['with two emoji', onOwn({ emoji: '👍👍' })],
    ['with an empty name', onOwn({ emoji: '::' })],
  ]),
  ...refused('read.advance', [
    ['to nothing', {}],
    ['to a negative number', { seq: -1 }],
    ['to a fraction', { seq: 1.5 }],
    ['to a text', { seq: '1' }],
  ]),
];

const streams: Case[] = [
  ...refused('stream.start', [
    ['with less than 10 s of patience', { idleTimeoutMs: 9_999 }],
    ['with more than 30 min of patience', { idleTimeoutMs: 1_800_001 }],
    ['with a text', { text: 'x' }],
  ]),
  row('stream.start', 'with 10 s of patience', { idleTimeoutMs: 10_000 }, 'quiet'),
  ...refused('stream.append', [
    ['without an index', onStream({ text: 'x' })],
    ['with a negative index', onStream({ index: -1, text: 'x' })],
    ['without a text', onStream({ index: 0 })],
    ['with a lone surrogate', onStream({ index: 0, text: LONE })],
    ['of more than 50,000 characters', onStream({ index: 0, text: 'x'.repeat(50_001) }), 'message_too_long'],
  ]),
  ...refused('stream.finish', [
    ['without a status', onStream({ text: 'x' })],
    ['as cancelled', onStream({ status: 'cancelled' })],
    ['with 50,001 characters', onStream({ status: 'completed', text: 'x'.repeat(50_001) }), 'message_too_long'],
    ['with white space alone', onStream({ status: 'completed', text: '  ' }), 'message_empty'],
  ]),
];

const traces: Case[] = [
  ...refused('trace.start', [
    ['without a name', {}],
    ['with an odd id', { id: 'a b', name: 'n' }],
  ]),
  ...refused('trace.append', [
    ['without a span id', onTrace({ name: 'n', startedAt: AT })],
    ['without a start', onTrace({ spanId: newId(), name: 'n' })],
    ['with a start that is no time', onTrace(span({ startedAt: 'yesterday' }))],
    ['of an unknown kind', onTrace(span({ kind: 'magic' }))],
    ['with an unknown field', onTrace(span({ cost: 1 }))],
  ]),
  row(
    'trace.append',
    'with 60 KiB of input and of output',
    onTrace(span({ input: 'i'.repeat(61_440), output: 'o'.repeat(61_440) })),
    'trace.span',
  ),
  ...refused('trace.finish', [
    ['without a status', onTrace({})],
    ['as cancelled', onTrace({ status: 'cancelled' })],
  ]),
];

export const DATA_CASES: readonly Case[] = [...sessions, ...messages, ...streams, ...traces];
