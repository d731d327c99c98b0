import { beforeEach, describe, expect, it } from 'vitest';
import { RUNNING_STREAMS_MAX, TYPING_SHOWN_MS } from '../../../../client/net/bounds.ts';
import { LiveState } from '../../../../client/state/live.ts';
import { TraceList } from '../../../../client/state/trace-list.ts';
import type { Signal, WholeEvent } from '../../../../client/wire.ts';
import { newRig, type Rig } from '../rig.ts';

const AT = '2026-01-01T00:00:00.000Z';
const signal = (name: Signal['name'], data: Record<string, unknown>, user = 'ben'): Signal => ({
  type: 'signal',
  name,
  user: { id: user, kind: 'user' },
  data,
  at: AT,
});

let rig: Rig;
let live: LiveState;
let changes: number;

beforeEach(() => {
  rig = newRig();
  changes = 0;
  live = new LiveState(rig.environment, () => (changes += 1));
});

const chunk = (index: number, text: string, lastIndex = index, messageId = 'm'): void =>
  live.take(signal('stream', { messageId, index, lastIndex, text }));
const texts = (): string[] => live.streams().map(({ text }) => text);

describe('running streams', () => {
  it('grow chunk by chunk, each taken once', () => {
    chunk(0, 'a');
    chunk(1, 'bc', 2);
    chunk(1, 'bc', 2);
    chunk(3, 'd');
    expect(texts()).toEqual(['abcd']);
  });

  it('begin anew with the text so far, for who joins and after a lost connection', () => {
    chunk(0, 'so far', 4);
    chunk(5, ' on');
    live.disconnected();
    chunk(0, 'so far on and', 6);
    expect(texts()).toEqual(['so far on and']);
  });

  it('are gone with their message', () => {
    chunk(0, 'a');
    live.messageCreated('m', 'ben');
    expect(texts()).toEqual([]);
  });

  it(`are at most ${RUNNING_STREAMS_MAX}, the oldest forgotten first`, () => {
    for (let at = 0; at <= RUNNING_STREAMS_MAX; at += 1) chunk(0, `${at}`, 0, `m${at}`);
    expect([live.streams().length, texts()[0]]).toEqual([RUNNING_STREAMS_MAX, '1']);
  });
});

describe('typing', () => {
  it('ends by itself, by a signal, or with the message', async () => {
    live.take(signal('typing', { active: true }));
    live.take(signal('typing', { active: true }, 'cleo'));
    live.take(signal('typing', { active: true }, 'dan'));
    live.take(signal('typing', { active: false }, 'cleo'));
    live.messageCreated('m', 'dan');
    expect(live.typing().map(({ id }) => id)).toEqual(['ben']);
    await rig.pass(TYPING_SHOWN_MS - 1);
    expect([live.typing().length, changes]).toEqual([1, 0]);
    await rig.pass(1);
    expect([live.typing().length, changes]).toEqual([0, 1]);
  });
});

describe('presence', () => {
  it('is what the server said, and then what signals say', () => {
    live.setPresence([{ user: { id: 'ann', kind: 'user' }, status: 'online', devices: 2, since: AT }]);
    live.take(signal('presence', { status: 'away' }));
    live.take(signal('presence', { status: 'offline' }, 'ann'));
    expect(live.presence().map(({ user, status }) => [user.id, status])).toEqual([['ben', 'away']]);
  });
});

describe('traces', () => {
  const event = (type: string, data: object): WholeEvent =>
    ({ type, time: AT, data, sessionid: 's', seq: 1, actor: 'ben', actorkind: 'user' }) as unknown as WholeEvent;

  it('come to the same in any order of pages and events', () => {
    const span = { spanId: 's1', name: 'call', startedAt: AT };
    const events = [
      event('trace.started', { id: 't', name: 'run', metadata: {} }),
      event('trace.span', { traceId: 't', traceSeq: 1, span }),
      event('trace.span', { traceId: 't', traceSeq: 1, span: { ...span, endedAt: AT } }),
      event('trace.finished', { id: 't', traceSeq: 1, status: 'completed', durationMs: 5 }),
    ];
    const traces = new TraceList();
    for (const each of [...events, ...events]) traces.apply(each);
    expect(traces.all()).toEqual([
      {
        id: 't',
        sessionId: 's',
        seq: 1,
        author: { id: 'ben', kind: 'user' },
        spanCount: 1,
        name: 'run',
        metadata: {},
        status: 'completed',
        startedAt: AT,
        finishedAt: AT,
        durationMs: 5,
        spans: [{ ...span, endedAt: AT }],
      },
    ]);
    traces.apply(event('trace.purged', { id: 't', traceSeq: 1 }));
    expect(traces.all()).toEqual([]);
  });
});
