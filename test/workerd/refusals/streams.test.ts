import { beforeAll, describe, expect, test } from 'vitest';
import type { Problem } from '../edge.ts';
import { Arena, expectProblem, type Place, type Refusal } from './arena.ts';

/** Streams: what their data may not be, who may not, and where it may not be. alice streams s-alice, which has one chunk. */

let arena: Arena;
beforeAll(async () => {
  arena = await Arena.make(['private', 'public', 'archived', 'deleted'], async (session) => {
    const start = (messageId: string) => session.must('alice', 'stream.start', { messageId, parentId: 'm-bob' });
    await start('s-alice');
    await session.must('alice', 'stream.append', { messageId: 's-alice', index: 0, text: 'one' });
    await start('s-ended');
    await session.must('alice', 'stream.finish', { messageId: 's-ended', status: 'completed', text: 'all' });
  });
});

const INVALID = { status: 400, code: 'invalid_request' } as const;
const TOO_LONG = { status: 400, code: 'message_too_long' } as const;
const FORBIDDEN = { status: 403, code: 'forbidden' } as const;
const ENDED = { status: 409, code: 'stream_ended' } as const;
const CONFLICT = { status: 409, code: 'conflict' } as const;
const NOT_FOUND = { status: 404, code: 'stream_not_found' } as const;

type Case = [name: string, command: string, data: object];
const rows = (outcome: Pick<Refusal, 'status' | 'code'>, who: string, place: Place, cases: readonly Case[]): Refusal[] =>
  cases.map(([name, command, data]) => ({ name: `${command}: ${name}`, who, in: place, command, data, ...outcome }));

const append = (more: object) => ({ messageId: 's-alice', index: 1, text: 'two', ...more });
const done = (more: object) => ({ messageId: 's-alice', status: 'completed', ...more });
const EACH: Case[] = [
  ['', 'stream.append', append({})],
  ['', 'stream.finish', done({ text: 'all' })],
  ['', 'stream.cancel', { messageId: 's-alice' }],
];

const OF_DATA: Refusal[] = [
  ...rows(INVALID, 'alice', 'private', [
    ['an id with a dot', 'stream.start', { messageId: 'a.b' }],
    ['an unknown role', 'stream.start', { role: 'boss' }],
    ['an empty name', 'stream.start', { name: '' }],
    ['metadata that is a list', 'stream.start', { metadata: [] }],
    ['an idle time under 10 s', 'stream.start', { idleTimeoutMs: 9_999 }],
    ['an idle time over 30 min', 'stream.start', { idleTimeoutMs: 1_800_001 }],
    ['an idle time of parts of a millisecond', 'stream.start', { idleTimeoutMs: 10_000.5 }],
    ['a text at the start', 'stream.start', { text: 'x' }],
    ['a negative index', 'stream.append', append({ index: -1 })],
    ['half an index', 'stream.append', append({ index: 0.5 })],
    ['an index as text', 'stream.append', append({ index: '1' })],
    ['no index', 'stream.append', append({ index: undefined })],
    ['an index beyond any text', 'stream.append', append({ index: 50_000 })],
    ['an empty text', 'stream.append', append({ text: '' })],
    ['half of a surrogate pair', 'stream.append', append({ text: 'x\ud83e' })],
    ['no text', 'stream.append', append({ text: undefined })],
    ['an unknown field', 'stream.append', append({ role: 'user' })],
    ['an unknown status', 'stream.finish', done({ status: 'cancelled' })],
    ['no status', 'stream.finish', done({ status: undefined })],
    ['a lone surrogate', 'stream.finish', done({ text: '\udd89x' })],
    ['a reason of 201 code points', 'stream.cancel', { messageId: 's-alice', reason: 'x'.repeat(201) }],
    ['an unknown field', 'stream.cancel', { messageId: 's-alice', force: true }],
  ]),
  ...rows(TOO_LONG, 'alice', 'private', [
    ['50,001 code points', 'stream.append', append({ text: '🦉'.repeat(50_001) })],
    ['50,001 code points', 'stream.finish', done({ text: '🦉'.repeat(50_001) })],
    ['50,001 code points with what there is', 'stream.append', append({ text: 'x'.repeat(49_998) })],
  ]),
  ...rows({ status: 400, code: 'message_empty' }, 'alice', 'private', [
    ['a completed message without text', 'stream.finish', done({ text: '' })],
    ['a completed message of white space', 'stream.finish', done({ text: ' \n' })],
  ]),
];

const OF_RIGHTS: Refusal[] = [
  ...rows({ status: 404, code: 'session_not_found' }, 'sam', 'private', [['', 'stream.start', {}], ...EACH]),
  ...rows(FORBIDDEN, 'sam', 'public', [['', 'stream.start', {}], ...EACH]),
  ...rows(FORBIDDEN, 'vera', 'private', [['', 'stream.start', {}], ...EACH]),
  ...rows(FORBIDDEN, 'bob', 'private', [
    ['under another role', 'stream.start', { role: 'assistant' }],
    ['under a name', 'stream.start', { name: 'Bot' }],
    ['of another', 'stream.append', append({})],
    ['of another', 'stream.finish', done({ text: 'all' })],
  ]),
];

const OF_STATE: Refusal[] = [
  ...rows(CONFLICT, 'bob', 'private', [
    ['an id of a running stream', 'stream.start', { messageId: 's-alice' }],
    ['an id of a message', 'stream.start', { messageId: 'm-alice' }],
    ['an id of a deleted message', 'stream.start', { messageId: 'm-gone' }],
    ['an id of a running stream', 'message.send', { text: 'x', id: 's-alice' }],
  ]),
  ...rows(CONFLICT, 'alice', 'private', [['another text for an index', 'stream.append', append({ index: 0, text: 'One' })]]),
  ...rows({ status: 404, code: 'message_not_found' }, 'alice', 'private', [
    ['an unknown parent', 'stream.start', { parentId: 'm-none' }],
    ['what is still streamed', 'message.edit', { messageId: 's-alice', text: 'x' }],
    ['what is still streamed', 'message.delete', { messageId: 's-alice' }],
  ]),
  ...rows(ENDED, 'alice', 'private', [
    ['a stream that ended', 'stream.append', append({ messageId: 's-ended' })],
    ['a stream that ended', 'stream.finish', done({ messageId: 's-ended' })],
    ['a stream that ended', 'stream.cancel', { messageId: 's-ended' }],
  ]),
  ...rows(NOT_FOUND, 'alice', 'private', [
    ['an unknown stream', 'stream.append', append({ messageId: 'none' })],
    ['an unknown stream', 'stream.finish', done({ messageId: 'none' })],
    ['an unknown stream', 'stream.cancel', { messageId: 'none' }],
    ['a message that was never streamed', 'stream.cancel', { messageId: 'm-alice' }],
  ]),
  ...rows({ status: 409, code: 'session_archived' }, 'alice', 'archived', [['', 'stream.start', {}]]),
];

const ROWS = [...OF_DATA, ...OF_RIGHTS, ...OF_STATE];

describe('by HTTP', () => {
  const deleted = rows({ status: 404, code: 'session_not_found' }, 'alice', 'deleted', [['', 'stream.start', {}], ...EACH]);
  test.each([...ROWS, ...deleted])('$name by $who in $in: $status $code', (row) => arena.byHttp(row));
});

describe('by socket', () => {
  test.each(ROWS)('$name by $who in $in: $status $code', (row) => arena.bySocket(row));
});

describe('a hole', () => {
  const expected = { status: 409, code: 'stream_gap' as const };
  test('by HTTP: the problem says which chunk comes next', async () => {
    const answer = await arena.at().http('alice', 'stream.append', append({ index: 3 }));
    expect(await expectProblem(answer, expected)).toMatchObject({ expectedIndex: 1 });
  });
  test('by socket too', async () => {
    const frame = await arena.at().frame(await arena.socket('alice'), 'stream.append', append({ index: 3 }));
    expect(frame.error as Problem & { expectedIndex?: number }).toMatchObject({ ...expected, expectedIndex: 1 });
  });
});

test('in an archived session a stream goes on to its end', async () => {
  const own = await Arena.make(['archived'], async (session) => {
    for (const messageId of ['s1', 's2']) await session.must('alice', 'stream.start', { messageId });
  });
  const session = own.at('archived');
  await session.must('alice', 'stream.append', { messageId: 's1', index: 0, text: 'late' });
  await session.must('alice', 'stream.finish', { messageId: 's1', status: 'completed' });
  await session.must('alice', 'stream.cancel', { messageId: 's2' });
});
