import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { CONSUMERS } from '../durables.ts';
import type { EndpointRoute } from '../runtime/endpoint.ts';
import type { Log } from '../runtime/log.ts';
import { every, SYSTEM_TIME } from '../runtime/time.ts';
import { LagWatch } from './lag-watch.ts';
import { lookAtLag } from './lag-look.ts';
import type { PrometheusMetrics } from './prometheus.ts';

/** a scrape shows what is at most this old, and the server is asked no oftener, however often it comes */
const LOOK_EVERY_MS = 5_000;
const CALL_MS_MAX = 5_000;

/** GET /metrics of a process. */
export function metricsRoute(metrics: PrometheusMetrics): EndpointRoute {
  const { contentType } = metrics;
  return async () => ({ status: 200, contentType, body: await metrics.exposition() });
}

/**
 * Shows how far the durables of all consumers are, and all others that there are, until it is stopped. Rejects when JetStream is not
 * to be had. Several processes may do it: each shows the same.
 */
export async function startLag(connection: NatsConnection, log: Log, metrics: PrometheusMetrics): Promise<() => Promise<void>> {
  const manager = await jetstreamManager(connection, { timeout: CALL_MS_MAX });
  const watch = new LagWatch({ look: async () => await lookAtLag(manager, CONSUMERS, Date.now()), log });
  metrics.addLag(watch, Date.now);
  void watch.turn();
  const stop = every(LOOK_EVERY_MS, () => void watch.turn(), SYSTEM_TIME);
  return async () => await Promise.resolve(stop());
}
