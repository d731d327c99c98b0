import { Gauge, type Registry } from 'prom-client';
import type { DurableLag, LagSeen } from './lag.ts';
import type { LagWatch } from './lag-watch.ts';

/** Shows what a LagWatch knows, at the moment of each scrape: an age goes on while nobody looks. */
export function exportLag(registry: Registry, watch: LagWatch, now: () => number): void {
  const show = (name: string, help: string, labelNames: string[], fill: Fill): void => {
    const gauge = new Gauge({
      name,
      help,
      labelNames,
      registers: [],
      collect() {
        this.reset();
        const nowMs = now();
        const seen = watch.seen(nowMs);
        if (seen !== undefined) fill(this, seen, nowMs);
      },
    });
    registry.registerMetric(gauge);
  };
  for (const [name, help, of] of OF_DURABLES) {
    show(name, help, OF_A_DURABLE, (gauge, { durables }, nowMs) => {
      for (const durable of durables) gauge.set(durable.name, of(durable, nowMs));
    });
  }
  show(
    'millrace_consumer_present',
    '1 where the durable exists, 0 where it should and does not: its consumer then stands still.',
    OF_A_DURABLE,
    (gauge, { durables, missing }) => {
      for (const { name } of durables) gauge.set(name, 1);
      for (const name of missing) gauge.set(name, 0);
    },
  );
  show('millrace_dead_letters', 'Dead letters that are kept now.', ['consumer'], (gauge, { deadLetters, durables }) => {
    for (const { name } of durables) gauge.set({ consumer: name.consumer }, 0);
    for (const [consumer, letters] of deadLetters) gauge.set({ consumer }, letters);
  });
  show('millrace_stream_bytes', 'Bytes that a stream holds.', ['stream'], (gauge, { streams }) => {
    for (const { stream, bytes } of streams) gauge.set({ stream }, bytes);
  });
  show(
    'millrace_stream_bytes_max',
    'Bytes at which a stream refuses what comes, or lets the oldest go; none for a stream without bound.',
    ['stream'],
    (gauge, { streams }) => {
      for (const { stream, maxBytes } of streams) if (maxBytes !== undefined) gauge.set({ stream }, maxBytes);
    },
  );
  show('millrace_stream_messages', 'Messages that a stream holds.', ['stream'], (gauge, { streams }) => {
    for (const { stream, messages } of streams) gauge.set({ stream }, messages);
  });
  showLookTime(registry, watch);
}

const OF_A_DURABLE = ['consumer', 'stream'];

type Fill = (gauge: Gauge, seen: LagSeen, nowMs: number) => void;

const OF_DURABLES: readonly (readonly [string, string, (durable: DurableLag, nowMs: number) => number])[] = [
  ['millrace_consumer_pending', 'Messages of the stream that no worker of the durable was given yet.', ({ pending }) => pending],
  [
    'millrace_consumer_ack_pending',
    'Messages that a worker was given and has not acknowledged yet.',
    ({ ackPending }) => ackPending,
  ],
  ['millrace_consumer_redelivered', 'Unacknowledged messages that were given more than once.', ({ redelivered }) => redelivered],
  [
    'millrace_consumer_oldest_age_seconds',
    'Age of the oldest message that the durable has not acknowledged, in seconds; 0 when there is none.',
    ({ oldestAtMs }, nowMs) => (oldestAtMs === undefined ? 0 : Math.max(0, nowMs - oldestAtMs) / 1_000),
  ],
  [
    'millrace_consumer_paused',
    '1 while an operator has the durable paused.',
    ({ pausedUntilMs = 0 }, nowMs) => (pausedUntilMs > nowMs ? 1 : 0),
  ],
];

/** Without it a watch that stands still could not be told from a system that does. */
function showLookTime(registry: Registry, watch: LagWatch): void {
  const time = new Gauge({
    name: 'millrace_lag_seen_timestamp_seconds',
    help: 'When streams and durables were last seen, in seconds since 1970; 0: never. What is older than 90 s is not shown.',
    registers: [],
    collect() {
      this.set((watch.seenAtMs ?? 0) / 1_000);
    },
  });
  registry.registerMetric(time);
}
