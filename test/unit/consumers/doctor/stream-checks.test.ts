import type { ConsumerConfig, StreamConfig, StreamInfo } from '@nats-io/jetstream';
import { describe, expect, it } from 'vitest';
import { checkDurable, checkStream } from '../../../../consumers/doctor/stream-checks.ts';
import { wantedStreams, type WantedStream } from '../../../../consumers/runtime/streams.ts';

const DAY_MS = 24 * 3_600_000;
const NOW = Date.parse('2026-01-02T03:04:05.678Z');
const WANTED = wantedStreams({});

function infoOf(at: number, change: Partial<StreamConfig> = {}, more: { bytes?: number; cluster?: string } = {}): StreamInfo {
  // what is looked at of it
  return {
    config: { ...WANTED[at], ...change },
    state: { bytes: more.bytes ?? 0 },
    ...(more.cluster === undefined ? {} : { cluster: { name: more.cluster } }),
  } as unknown as StreamInfo;
}

function wantedAt(at: number): WantedStream {
  const wanted = WANTED[at];
  if (wanted === undefined) throw new Error(`there is no stream ${at}`);
  return wanted;
}

const found = (at: number, change: Partial<StreamConfig>, more?: Parameters<typeof infoOf>[2], replicas?: number) =>
  checkStream(wantedAt(at), infoOf(at, change, more), replicas).filter(({ level }) => level !== 'ok');

describe('a stream', () => {
  it('as it is made is well', () => {
    for (const [at, wanted] of WANTED.entries()) {
      expect(checkStream(wanted, infoOf(at), undefined), wanted.name).toMatchObject([
        { level: 'ok', check: `stream:${wanted.name}` },
      ]);
    }
  });

  it('that is not there is made by one command', () => {
    expect(checkStream(wantedAt(0), undefined, undefined)).toMatchObject([
      { level: 'error', check: 'stream:MILLRACE_EVENTS', fix: expect.stringContaining('doctor -- --repair') as string },
    ]);
  });

  it.each([
    [{ discard: 'old' }, /discards old messages/, /--discard=new/],
    [{ max_bytes: -1 }, /no max_bytes/, /--max-bytes=10240MiB/],
    [{ retention: 'interest' }, /retention is interest/, /delete MILLRACE_EVENTS/],
    [{ storage: 'memory' }, /in memory/, /delete MILLRACE_EVENTS/],
    [{ subjects: ['other.>'] }, /does not take millrace\.events\.>/, /--subjects='millrace\.events\.>'/],
    [{ duplicate_window: 30_000_000_000 }, /for 30 s only/, /--dupe-window=120s/],
    [{ max_age: 3_600_000_000_000 }, /after 1 h/, /--max-age=2592000s/],
  ] as const)('with %j is wrong', (change, says, fix) => {
    // as the server would say it
    const [first, ...more] = found(0, change as unknown as Partial<StreamConfig>);
    expect(more).toEqual([]);
    expect(first).toMatchObject({ level: 'error' });
    expect(first?.says).toMatch(says);
    expect(first?.fix).toMatch(fix);
  });

  it('with all of it wrong says all of it', () => {
    expect(found(0, { discard: 'old', max_bytes: -1 } as unknown as Partial<StreamConfig>)).toHaveLength(2);
  });

  it('that remembers longer, or has more room, is well', () => {
    expect(found(0, { duplicate_window: 10 ** 12, max_age: 0, max_bytes: 1_000 })).toEqual([]);
  });

  it('of informations that refuses when it is full would hold up the system', () => {
    expect(found(3, { discard: 'new' } as unknown as Partial<StreamConfig>)[0]?.says).toContain('hold up the system');
  });

  it('that is nearly full is an error where what is new has to wait for room', () => {
    const events = WANTED[0]?.max_bytes ?? 0;
    expect(found(0, {}, { bytes: events * 0.95 })).toMatchObject([
      { level: 'error', says: expect.stringContaining('95 % full') as string },
    ]);
    expect(found(3, {}, { bytes: (WANTED[3]?.max_bytes ?? 0) * 0.95 })).toEqual([]);
  });

  it('has as many copies as were asked for, and in a cluster more than one', () => {
    expect(found(0, {}, {}, 3)).toMatchObject([{ level: 'error', says: expect.stringContaining('asks for 3') as string }]);
    expect(found(0, {}, { cluster: 'c1' })).toMatchObject([{ level: 'warning' }]);
    expect(found(0, { num_replicas: 3 }, { cluster: 'c1' }, 3)).toEqual([]);
  });
});

describe('a durable', () => {
  const look = { created: 'one', pending: 3, ackPending: 0, redelivered: 0, settled: 0 };
  // what is looked at of it
  const config = (change: object = {}) => ({ ack_policy: 'explicit', ...change }) as unknown as ConsumerConfig;
  const says = (...args: Parameters<typeof checkDurable> extends [string, ...infer Rest] ? Rest : never) =>
    checkDurable('history', ...args);

  it('is well as it is made, also paused for a week', () => {
    expect(says(look, config(), NOW)).toMatchObject([{ level: 'ok', check: 'durable:history' }]);
    const paused = { ...look, pausedUntilMs: NOW + DAY_MS, oldestAtMs: NOW - 8 * DAY_MS };
    expect(says(paused, config(), NOW)).toMatchObject([{ level: 'ok', says: expect.stringContaining('paused until') as string }]);
  });

  it('that is not there is made by one command', () => {
    expect(says(undefined, undefined, NOW)).toMatchObject([
      { level: 'error', fix: expect.stringContaining('--repair') as string },
    ]);
  });

  it.each([
    [{ ack_policy: 'none' }, /does not wait for acknowledgements/],
    [{ max_deliver: 5 }, /gives up a message after 5/],
  ])('with %j is wrong', (change, what) => {
    const [first] = says(look, config(change), NOW);
    expect(first?.level).toBe('error');
    expect(first?.says).toMatch(what);
  });

  it('of an earlier build, with a filter, is worth a word', () => {
    const filtered = config({ filter_subjects: ['millrace.events.*.message.created.*'] });
    expect(says(look, filtered, NOW)).toMatchObject([
      {
        level: 'warning',
        says: expect.stringContaining('with a filter') as string,
        fix: expect.stringContaining('anew') as string,
      },
    ]);
  });

  it('that is days behind is near the end of what the stream keeps', () => {
    expect(says({ ...look, oldestAtMs: NOW - 8 * DAY_MS }, config(), NOW)).toMatchObject([
      { level: 'error', says: expect.stringContaining('8 days behind') as string },
    ]);
    expect(says({ ...look, oldestAtMs: NOW - 6 * DAY_MS }, config(), NOW)).toMatchObject([{ level: 'ok' }]);
  });
});
