import { describe, expect, it } from 'vitest';
import type { LagSeen } from '../../../../consumers/metrics/lag.ts';
import { LAG_SHOWN_MS_MAX, LagWatch } from '../../../../consumers/metrics/lag-watch.ts';
import { prometheusMetrics } from '../../../../consumers/metrics/prometheus.ts';
import { parseExposition, sumIn, valueIn } from '../../../support/exposition.ts';

const HISTORY = { consumer: 'history', stream: 'MILLRACE_EVENTS' };
const SEEN: LagSeen = {
  atMs: 100_000,
  streams: [
    { stream: 'MILLRACE_EVENTS', bytes: 500, messages: 7, maxBytes: 1_000 },
    { stream: 'OTHER', bytes: 1, messages: 1 },
  ],
  durables: [
    {
      name: HISTORY,
      created: '',
      pending: 4,
      ackPending: 3,
      redelivered: 2,
      settled: 9,
      oldestAtMs: 40_000,
      pausedUntilMs: 300_000,
    },
  ],
  missing: [{ consumer: 'search', stream: 'MILLRACE_EVENTS' }],
  deadLetters: new Map([['relay', 5]]),
};

async function seenBy(look: () => Promise<LagSeen>): Promise<LagWatch> {
  const watch = new LagWatch({ look, log: () => {} });
  await watch.turn();
  return watch;
}

describe('the figures of a process', () => {
  it('can be read by Prometheus before and after anything happened', async () => {
    const metrics = prometheusMetrics();
    expect(valueIn(parseExposition(await metrics.exposition()), 'millrace_receipt_age_seconds_count')).toBe(0);
    metrics.batch('history', 40, 250);
    metrics.sinkFailed('history', 'unavailable');
    metrics.waiting('history', 1);
    metrics.waiting('history', 1);
    metrics.waiting('history', -1);
    metrics.buried('history', 'unparsable');
    metrics.receiptTaken(1_500);
    // the clocks of two machines
    metrics.receiptTaken(-20);
    metrics.partUp('history', true);
    metrics.partUp('search', false);
    const families = parseExposition(await metrics.exposition());
    expect(valueIn(families, 'millrace_batch_events_bucket', { consumer: 'history', le: '50' })).toBe(1);
    expect(valueIn(families, 'millrace_batch_events_bucket', { consumer: 'history', le: '25' })).toBe(0);
    expect(valueIn(families, 'millrace_batch_duration_seconds_sum', { consumer: 'history' })).toBe(0.25);
    expect(valueIn(families, 'millrace_sink_errors_total', { consumer: 'history', kind: 'unavailable' })).toBe(1);
    expect(valueIn(families, 'millrace_batches_waiting_for_store', { consumer: 'history' })).toBe(1);
    expect(valueIn(families, 'millrace_dead_letters_total', { consumer: 'history', reason: 'unparsable' })).toBe(1);
    expect(valueIn(families, 'millrace_receipt_age_seconds_sum')).toBe(1.5);
    expect(valueIn(families, 'millrace_part_up', { part: 'history' })).toBe(1);
    expect(valueIn(families, 'millrace_part_up', { part: 'search' })).toBe(0);
    expect(valueIn(families, 'process_cpu_seconds_total')).toBeGreaterThan(0);
  });

  it('are of one registry each', async () => {
    prometheusMetrics().buried('history', 'unparsable');
    expect(sumIn(parseExposition(await prometheusMetrics().exposition()), 'millrace_dead_letters_total')).toBe(0);
  });

  it('have bounded labels: reasons that come from outside are other from some number on', async () => {
    const metrics = prometheusMetrics();
    for (let n = 0; n < 1_000; n += 1) metrics.buried('history', `reason "${n}"\\\n`);
    const samples = parseExposition(await metrics.exposition()).get('millrace_dead_letters_total')?.samples ?? [];
    expect(samples).toHaveLength(33);
    expect(samples.find(({ labels }) => labels['reason'] === 'other')?.value).toBe(1_000 - 32);
  });
});

describe('the lag', () => {
  it('is shown for every durable that is there, and those that are missing are named', async () => {
    const metrics = prometheusMetrics();
    metrics.addLag(await seenBy(async () => await Promise.resolve(SEEN)), () => SEEN.atMs + 5_000);
    const families = parseExposition(await metrics.exposition());
    expect(valueIn(families, 'millrace_consumer_pending', HISTORY)).toBe(4);
    expect(valueIn(families, 'millrace_consumer_ack_pending', HISTORY)).toBe(3);
    expect(valueIn(families, 'millrace_consumer_redelivered', HISTORY)).toBe(2);
    expect(valueIn(families, 'millrace_consumer_oldest_age_seconds', HISTORY)).toBe(65);
    expect(valueIn(families, 'millrace_consumer_paused', HISTORY)).toBe(1);
    expect(valueIn(families, 'millrace_consumer_present', HISTORY)).toBe(1);
    expect(valueIn(families, 'millrace_consumer_present', { consumer: 'search' })).toBe(0);
    expect(valueIn(families, 'millrace_dead_letters', { consumer: 'history' })).toBe(0);
    expect(valueIn(families, 'millrace_dead_letters', { consumer: 'relay' })).toBe(5);
    expect(valueIn(families, 'millrace_stream_bytes_max', { stream: 'MILLRACE_EVENTS' })).toBe(1_000);
    expect(valueIn(families, 'millrace_stream_bytes_max', { stream: 'OTHER' })).toBeUndefined();
    expect(valueIn(families, 'millrace_lag_seen_timestamp_seconds')).toBe(100);
  });

  it('grows older while nobody looks, and is not shown once what was seen is old', async () => {
    const metrics = prometheusMetrics();
    let nowMs = SEEN.atMs;
    metrics.addLag(await seenBy(async () => await Promise.resolve(SEEN)), () => nowMs);
    const age = async (): Promise<number | undefined> =>
      valueIn(parseExposition(await metrics.exposition()), 'millrace_consumer_oldest_age_seconds', HISTORY);
    expect(await age()).toBe(60);
    nowMs = SEEN.atMs + LAG_SHOWN_MS_MAX;
    expect(await age()).toBe(150);
    nowMs += 1;
    expect(await age()).toBeUndefined();
    expect(valueIn(parseExposition(await metrics.exposition()), 'millrace_lag_seen_timestamp_seconds')).toBe(100);
  });

  it('is complained of once while it cannot be seen, and asks one question at a time', async () => {
    const said: string[] = [];
    let looks = 0;
    let fails = true;
    const look = async (): Promise<LagSeen> => {
      looks += 1;
      return await (fails ? Promise.reject(new Error('no answer')) : Promise.resolve(SEEN));
    };
    const watch = new LagWatch({ look, log: (_level, msg) => said.push(msg) });
    await Promise.all([watch.turn(), watch.turn()]);
    expect(looks).toBe(1);
    await watch.turn();
    expect([said, watch.seen(SEEN.atMs)]).toEqual([['lag cannot be seen'], undefined]);
    fails = false;
    await watch.turn();
    expect(watch.seen(SEEN.atMs)).toEqual(SEEN);
    expect(said).toEqual(['lag cannot be seen', 'lag is seen again']);
  });
});
