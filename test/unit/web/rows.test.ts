import { describe, expect, it } from 'vitest';
import type { ClientMessage, RunningStream } from '../../../client/index.ts';
import { markedPieces } from '../../../web/chat/highlight.ts';
import { mentionAt, mentionsOf } from '../../../web/chat/mentions.ts';
import { readersOf } from '../../../web/chat/readers.ts';
import { isPrepended, rowsOf } from '../../../web/chat/rows.ts';
import { barsOf, fits } from '../../../web/traces/waterfall.ts';

const DAY_MS = 86_400_000;
const noon = new Date(2026, 5, 1, 12).getTime();

function message(seq: number, more: Partial<ClientMessage> = {}, atMs = noon + seq * 1_000): ClientMessage {
  const createdAt = new Date(atMs).toISOString();
  return {
    id: `m${seq}`,
    sessionId: 's',
    seq,
    author: { id: 'ann', kind: 'user' },
    role: 'user',
    text: String(seq),
    status: 'completed',
    replyCount: 0,
    mentions: [],
    reactions: [],
    createdAt,
    metadata: {},
    attachments: [],
    state: 'sent',
    ...more,
  };
}
const member = (id: string, readSeq = 0, name?: string) => ({
  user: { id, kind: 'user' as const, ...(name === undefined ? {} : { name }) },
  role: 'member' as const,
  joinedAt: '',
  readSeq,
});

describe('the rows of a list', () => {
  const rows = (messages: ClientMessage[], more: object = {}) =>
    rowsOf({ messages, streams: [], newAfterSeq: undefined, me: 'me', ...more });

  it('say each day once, and put together what one author says at once', () => {
    const later = message(3, {}, noon + 3_600_000);
    const list = rows([message(1), message(2), later, message(4, {}, noon + DAY_MS)]);
    expect(list.map(({ day }) => day !== undefined)).toEqual([true, false, false, true]);
    expect(list.map(({ compact }) => compact)).toEqual([false, true, false, false]);
  });

  it('mark the first message of others that is new, and it alone', () => {
    const list = rows([message(1), message(2, { author: { id: 'me', kind: 'user' } }), message(3), message(4)], {
      newAfterSeq: 1,
    });
    expect(list.map(({ isFirstNew }) => isFirstNew)).toEqual([false, false, true, false]);
  });

  it('have what is being written behind what is, and what waits to be sent last', () => {
    const stream: RunningStream = {
      messageId: 'x',
      user: { id: 'bot', kind: 'agent' },
      text: '',
      role: 'assistant',
      startedAt: message(9).createdAt,
    };
    const list = rows([message(1), message(0, { id: 'p', state: 'pending' })], {
      streams: [stream, { ...stream, messageId: 'm1' }],
    });
    expect(list.map(({ key }) => key)).toEqual(['m1', 'x', 'p']);
  });

  it('know when older ones were put before them', () => {
    const all = rows([1, 2, 3, 4].map((seq) => message(seq)));
    expect(isPrepended(all.slice(2), all)).toBe(true);
    expect(isPrepended(all.slice(0, 2), all)).toBe(false);
    expect(isPrepended([], all)).toBe(false);
  });
});

describe('who has read', () => {
  it('stands at the last message read, unless it is their own or nobody knows', () => {
    const messages = [
      message(1),
      message(4),
      message(7, { author: { id: 'cleo', kind: 'user' } }),
      message(0, { id: 'p', state: 'pending' }),
    ];
    const members = [member('me', 7), member('ben', 5), member('cleo', 7), member('dan', 0)];
    expect([...readersOf(messages, members, 'me')].map(([id, who]) => [id, who.map(({ user }) => user.id)])).toEqual([
      ['m4', ['ben']],
    ]);
  });
});

describe('mentions', () => {
  it('are offered after an @ that begins a word', () => {
    expect(mentionAt('hi @an', 6)).toEqual({ from: 3, query: 'an' });
    expect(mentionAt('@', 1)).toEqual({ from: 0, query: '' });
    expect(mentionAt('mail@an', 7)).toBeUndefined();
    expect(mentionAt('hi @ann you', 11)).toBeUndefined();
  });

  it('mean those whose whole name stands there', () => {
    const members = [member('ann', 0, 'Ann'), member('anna', 0, 'Anna Bell'), member('ben')];
    expect(mentionsOf('@Anna Bell and @ben, not @Benno', members)).toEqual(['anna', 'ben']);
    expect(mentionsOf('@Anna Bell and @Ann', members)).toEqual(['ann', 'anna']);
  });
});

describe('a highlight', () => {
  it('is text: marks are its only markup', () => {
    expect(markedPieces('a &lt;b&gt; <mark>c &amp;amp;</mark> &quot;d&#39;')).toEqual([
      { text: 'a <b> ', marked: false },
      { text: 'c &amp;', marked: true },
      { text: ` "d'`, marked: false },
    ]);
  });
});

describe('a waterfall', () => {
  const span = (spanId: string, from: number, to?: number, parentSpanId?: string) => ({
    spanId,
    name: spanId,
    startedAt: new Date(noon + from).toISOString(),
    ...(to === undefined ? {} : { endedAt: new Date(noon + to).toISOString() }),
    ...(parentSpanId === undefined ? {} : { parentSpanId }),
  });

  it('has each span under its parent, where and as long as it was', () => {
    const bars = barsOf([span('b', 50, 100, 'a'), span('a', 0, 100), span('c', 20, 30, 'a')], noon);
    expect(bars.map(({ span: { spanId }, depth, left, width }) => [spanId, depth, left, width])).toEqual([
      ['a', 0, 0, 1],
      ['c', 1, 0.2, 0.1],
      ['b', 1, 0.5, 0.5],
    ]);
  });

  it('lets what runs end now, and survives circles and parents that never came', () => {
    const bars = barsOf(
      [span('a', 0, undefined, 'b'), span('b', 0, 10, 'a'), span('c', 5, 6, 'gone'), span('d', 1, 2, 'd')],
      noon + 40,
    );
    expect(bars.map(({ span: { spanId } }) => spanId).toSorted()).toEqual(['a', 'b', 'c', 'd']);
    expect(bars.find(({ isRunning }) => isRunning)).toMatchObject({ durationMs: 40, width: 1 });
  });

  it('is filtered by what went in and out', () => {
    expect(fits({ ...span('a', 0, 1), input: { q: 'Water' } }, { text: 'water', kind: '', status: 'completed' })).toBe(true);
    expect(fits(span('a', 0), { text: '', kind: '', status: 'completed' })).toBe(false);
  });
});
