import { describe, expect, it } from 'vitest';
import { BATCHES, COUNT_NAMES, EVENTS, failureCount, Tally } from '../../../../worker/metrics/counts.ts';
import type { SessionReport } from '../../../../worker/uplink/api.ts';
import { OUTBOX_MS_MAX, SOCKETS_MS_MAX, UplinkMeter } from '../../../../worker/uplink/meter.ts';

const report = (session: string, more: Partial<SessionReport> = {}): SessionReport => ({
  session,
  outboxEvents: 1,
  oldestAtMs: 1_000,
  sockets: 0,
  ...more,
});

describe('the meter of an Uplink', () => {
  it('adds up what sessions have, until it is acknowledged', () => {
    const meter = new UplinkMeter(500);
    meter.begun(report('a', { outboxEvents: 5, oldestAtMs: 700 }), 1_000);
    meter.begun(report('b', { outboxEvents: 2, oldestAtMs: 900 }), 1_000);
    expect(meter.figures(1_000).outbox).toEqual({ events: 7, sessions: 2, oldestAtMs: 700 });
    meter.ended(report('a', { outboxEvents: 5, oldestAtMs: 700 }), 5, { acked: 3, error: 'x', reason: 'stream_full' }, 1_100);
    meter.ended(report('b', { outboxEvents: 2, oldestAtMs: 900 }), 2, { acked: 2 }, 1_100);
    const { outbox, counts, startedAtMs } = meter.figures(1_100);
    expect(outbox).toEqual({ events: 2, sessions: 1, oldestAtMs: 700 });
    expect([counts[BATCHES], counts[EVENTS], counts[failureCount('stream_full')], startedAtMs]).toEqual([2, 5, 1, 500]);
  });

  it('forgets a session that tries no more, and its sockets later', () => {
    const meter = new UplinkMeter(0);
    meter.begun(report('a', { sockets: 3 }), 1_000);
    expect(meter.figures(1_000 + OUTBOX_MS_MAX)).toMatchObject({ outbox: { events: 1 }, sockets: 3 });
    expect(meter.figures(1_001 + OUTBOX_MS_MAX)).toMatchObject({ outbox: { events: 0, sessions: 0 }, sockets: 3 });
    expect(meter.figures(1_001 + SOCKETS_MS_MAX).sockets).toBe(0);
  });

  it('remembers a bounded number of sessions: those heard of last', () => {
    const meter = new UplinkMeter(0);
    for (let n = 0; n < 30_000; n += 1) meter.begun(report(`s${n}`), n);
    expect(meter.figures(30_000).outbox.sessions).toBe(20_000);
  });

  it('takes what it is told by names that it knows, and of those only what counts', () => {
    const meter = new UplinkMeter(0);
    const counts = { [EVENTS]: 2, 'made up': 5, [BATCHES]: Number.NaN, [failureCount('timeout')]: -3, __proto__: 1 };
    meter.begun(report('a', { counts }), 0);
    // of a Session of an older build
    meter.begun(undefined, 0);
    meter.ended(undefined, 1, { acked: 1 }, 0);
    expect(meter.figures(0).counts).toEqual({ [EVENTS]: 3, [BATCHES]: 1 });
  });
});

describe('a tally', () => {
  it('is empty once it was taken', () => {
    const tally = new Tally();
    expect(tally.take()).toBeUndefined();
    tally.add(EVENTS);
    tally.add(EVENTS, 2);
    expect(tally.take()).toEqual({ [EVENTS]: 3 });
    expect(tally.take()).toBeUndefined();
  });

  it('has a bounded number of names', () => {
    expect(COUNT_NAMES.size).toBeLessThan(100);
  });
});
