import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Metrics } from '../runtime/metrics.ts';
import { exportLag } from './export-lag.ts';
import type { LagWatch } from './lag-watch.ts';

/** reasons of dead letters come from read models: those beyond so many count as `other` */
const REASONS_MAX = 32;
const OTHER = 'other';

/** beyond the last bucket there is only "longer" */
const BATCH_EVENTS_BUCKETS = [1, 5, 10, 25, 50, 100, 250, 500, 1_000];
const BATCH_SECONDS_BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const RECEIPT_SECONDS_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 21_600];

export interface PrometheusMetrics extends Metrics {
  readonly contentType: string;
  /** what Prometheus reads */
  exposition(): Promise<string>;
  /** from now on also what is known of streams and durables */
  addLag(watch: LagWatch, now: () => number): void;
}

/** A registry of this process alone. Labels are names that are in the code or in JetStream's configuration, never a session, user or tenant. */
export function prometheusMetrics(): PrometheusMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const batchEvents = new Histogram({
    name: 'millrace_batch_events',
    help: 'Events of a batch that a consumer brought to its end.',
    labelNames: ['consumer'],
    buckets: BATCH_EVENTS_BUCKETS,
    registers,
  });
  const batchSeconds = new Histogram({
    name: 'millrace_batch_duration_seconds',
    help: 'How long a batch took, waits for a failing store included, in seconds.',
    labelNames: ['consumer'],
    buckets: BATCH_SECONDS_BUCKETS,
    registers,
  });
  const sinkErrors = new Counter({
    name: 'millrace_sink_errors_total',
    help: 'Batches that a store did not take: unavailable is the fault of the store, bug that of an event or of the read model.',
    labelNames: ['consumer', 'kind'],
    registers,
  });
  const waiting = new Gauge({
    name: 'millrace_batches_waiting_for_store',
    help: 'Batches of this process that wait for a store that fails; while there are any, nothing is pulled.',
    labelNames: ['consumer'],
    registers,
  });
  const deadLetters = new Counter({
    name: 'millrace_dead_letters_total',
    help: 'Dead letters that this process stored since it started.',
    labelNames: ['consumer', 'reason'],
    registers,
  });
  const receiptSeconds = new Histogram({
    name: 'millrace_receipt_age_seconds',
    help: 'From when JetStream stored the oldest event of a receipt until its Session took the receipt, in seconds.',
    buckets: RECEIPT_SECONDS_BUCKETS,
    registers,
  });
  const partUp = new Gauge({
    name: 'millrace_part_up',
    help: '1 while a part of this process runs, by its role; 0 while it waits for what it needs.',
    labelNames: ['part'],
    registers,
  });
  const reasons = new Set<string>();
  const reasonOf = (reason: string): string => {
    if (!reasons.has(reason) && reasons.size >= REASONS_MAX) return OTHER;
    reasons.add(reason);
    return reason;
  };
  return {
    contentType: registry.contentType,
    exposition: async () => await registry.metrics(),
    addLag: (watch, now) => exportLag(registry, watch, now),
    batch(consumer, events, tookMs) {
      batchEvents.observe({ consumer }, events);
      batchSeconds.observe({ consumer }, tookMs / 1_000);
    },
    sinkFailed: (consumer, kind) => sinkErrors.inc({ consumer, kind }),
    waiting: (consumer, change) => waiting.inc({ consumer }, change),
    buried: (consumer, reason) => deadLetters.inc({ consumer, reason: reasonOf(reason) }),
    receiptTaken: (ageMs) => receiptSeconds.observe(Math.max(0, ageMs) / 1_000),
    partUp: (part, isUp) => partUp.set({ part }, isUp ? 1 : 0),
  };
}
