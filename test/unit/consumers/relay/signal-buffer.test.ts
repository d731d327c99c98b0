import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BUFFER_BYTES_MAX, GATHER_MS, SignalBuffer } from '../../../../consumers/relay/signal-buffer.ts';
import { SIGNAL_SESSIONS_MAX, SIGNALS_MAX, signalsRequest, type SignalsRequest } from '../../../../shared/contract/internal.ts';
import { BODY_BYTES_MAX } from '../../../../shared/core/limits.ts';

const place = (sessionId: string) => ({ tenant: 'default', sessionId });
const chunk = (index: number, text = 'x') =>
  ({ name: 'stream', actor: { id: 'bot', kind: 'agent' }, data: { messageId: 'm1', index, text } }) as const;
type Sessions = SignalsRequest['sessions'];
const indexes = (sessions: Sessions): Record<string, number[]> =>
  Object.fromEntries(
    sessions.map(({ sessionId, signals }) => [sessionId, signals.map((each) => (each.name === 'stream' ? each.data.index : -1))]),
  );

describe('signals', () => {
  it('are gathered for 25 ms per session, in the order in which they came', () => {
    const buffer = new SignalBuffer();
    buffer.add(place('a'), chunk(0), 1_000);
    buffer.add(place('a'), chunk(1), 1_010);
    buffer.add(place('b'), chunk(0), 1_020);
    expect(buffer.takeDue(1_024)).toEqual([]);
    expect(buffer.dueInMs(1_020)).toBe(5);
    expect(indexes(buffer.takeDue(1_025))).toEqual({ a: [0, 1] });
    expect(indexes(buffer.takeDue(1_045))).toEqual({ b: [0] });
    expect(buffer.dueInMs(1_045)).toBeUndefined();
  });

  it('of a session are out in one call at a time', () => {
    const buffer = new SignalBuffer();
    buffer.add(place('a'), chunk(0), 0);
    const out = buffer.takeDue(GATHER_MS);
    buffer.add(place('a'), chunk(1), 100);
    expect(buffer.takeDue(1_000)).toEqual([]);
    expect(buffer.dueInMs(1_000)).toBeUndefined();
    buffer.back(out);
    expect(indexes(buffer.takeDue(1_000))).toEqual({ a: [1] });
  });

  it('fit a call that the edge takes, whatever they are; the rest follows', () => {
    const buffer = new SignalBuffer();
    for (let session = 0; session < SIGNAL_SESSIONS_MAX + 20; session += 1) {
      for (let index = 0; index < 3; index += 1) buffer.add(place(`s${session}`), chunk(index), 0);
    }
    for (let index = 0; index < SIGNALS_MAX + 10; index += 1) buffer.add(place('many'), chunk(index), 0);
    for (let index = 0; index < 5; index += 1) buffer.add(place('large'), chunk(index, '\u0001'.repeat(50_000)), 0);
    const got: Record<string, number[]> = {};
    let calls = 0;
    for (let sessions = buffer.takeDue(1_000); sessions.length > 0; sessions = buffer.takeDue(1_000)) {
      calls += 1;
      const request = { v: 1, sessions };
      expect(signalsRequest.safeParse(request).success).toBe(true);
      expect(JSON.stringify(request).length).toBeLessThan(BODY_BYTES_MAX);
      for (const [session, numbers] of Object.entries(indexes(sessions))) (got[session] ??= []).push(...numbers);
      buffer.back(sessions);
    }
    expect(calls).toBeGreaterThan(2);
    expect(got['s0']).toEqual([0, 1, 2]);
    expect(got['many']).toEqual(Array.from({ length: SIGNALS_MAX + 10 }, (_none, index) => index));
    expect(got['large']).toEqual([0, 1, 2, 3, 4]);
    expect(Object.keys(got)).toHaveLength(SIGNAL_SESSIONS_MAX + 22);
  });

  it('are dropped at the bound, the oldest first, and counted', () => {
    const buffer = new SignalBuffer();
    const text = 'x'.repeat(40_000);
    const all = Math.ceil(BUFFER_BYTES_MAX / 40_000) + 10;
    for (let index = 0; index < all; index += 1) buffer.add(place('a'), chunk(index, text), 0);
    const dropped = buffer.takeDropped();
    expect(dropped).toBeGreaterThan(9);
    expect(buffer.takeDropped()).toBe(0);
    expect(indexes(buffer.takeDue(1_000))['a']?.[0]).toBe(dropped);
  });

  it('come out whole and in order, however they come and go', () => {
    const step = fc.oneof(
      fc.record({ add: fc.constantFrom('a', 'b', 'c') }),
      fc.record({ take: fc.integer({ min: 0, max: 60 }) }),
      fc.record({ back: fc.nat(5) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100, size: 'max' }), (steps) => {
        const buffer = new SignalBuffer();
        const added: Record<string, number[]> = {};
        const got: Record<string, number[]> = {};
        const out: Sessions[] = [];
        let nowMs = 0;
        const take = (): number => {
          const sessions = buffer.takeDue(nowMs);
          for (const [session, numbers] of Object.entries(indexes(sessions))) (got[session] ??= []).push(...numbers);
          if (sessions.length > 0) out.push(sessions);
          return sessions.length;
        };
        for (const each of steps) {
          if ('add' in each) {
            const numbers = (added[each.add] ??= []);
            buffer.add(place(each.add), chunk(numbers.length), nowMs);
            numbers.push(numbers.length);
          } else if ('take' in each) {
            nowMs += each.take;
            take();
          } else {
            const [sessions] = out.splice(each.back % Math.max(1, out.length), 1);
            if (sessions !== undefined) buffer.back(sessions);
          }
        }
        for (const sessions of out.splice(0)) buffer.back(sessions);
        nowMs += GATHER_MS;
        take();
        expect(got).toEqual(added);
      }),
    );
  });
});
