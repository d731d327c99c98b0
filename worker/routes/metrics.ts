import { OPERATORS_TENANT } from '../../shared/contract/system.ts';
import type { Env } from '../env.ts';
import { exposition, EXPOSITION_TYPE, type AskedUplink } from '../metrics/exposition.ts';
import { describeError, log } from '../log.ts';
import { pool, type PooledUplink } from '../uplink/pool.ts';
import type { AppContext, Caller } from './context.ts';
import { refuse } from './refused.ts';
import type { Params, Route } from './route.ts';
import { within } from './time-bound.ts';

/** an Uplink that says nothing for this long is told as down; it opens no connection for it */
const UPLINK_MS_MAX = 2_000;

/**
 * GET /metrics: what the edge counts, for Prometheus. The Uplinks are few and have fixed names, so they are asked themselves: it
 * works while NATS is away, which is when it matters.
 */
export const metricsRoutes: Route[] = [{ method: 'GET', path: '/metrics', access: 'caller', handle: metrics }];

/** Figures are of all tenants: for who operates them, and for a scraper, whose token should open nothing else. */
async function metrics(c: AppContext, _params: Params, { tenant, actor, readsMetrics }: Caller): Promise<Response> {
  if (tenant !== OPERATORS_TENANT || (readsMetrics !== true && actor.admin !== true)) {
    throw refuse('forbidden', `This needs the scope metrics, or admin, in the tenant ${OPERATORS_TENANT}.`);
  }
  const uplinks = await Promise.all(pool(c.env).map(async (uplink) => await askedUplink(c.env, uplink)));
  return c.body(exposition(uplinks, Date.now()), 200, { 'Content-Type': EXPOSITION_TYPE, 'Cache-Control': 'no-store' });
}

async function askedUplink(env: Env, { name, stub }: PooledUplink): Promise<AskedUplink> {
  try {
    return { name, figures: await within(UPLINK_MS_MAX, stub(env).figures()) };
  } catch (error) {
    log('warn', 'an uplink did not tell its figures', { uplink: name, ...describeError(error) });
    return { name, figures: undefined };
  }
}
