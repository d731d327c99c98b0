import { misconfiguration } from '../middleware/configuration.ts';
import { ask } from '../queries/store.ts';
import type { Env } from '../env.ts';
import { logOnce } from '../log.ts';
import { uplinkNamed } from '../uplink/pool.ts';
import type { Route } from './route.ts';
import { within } from './time-bound.ts';

/** a part that says nothing for this long is not available */
const PART_MS_MAX = 2_500;
const TENANT = 'default';

export interface Readiness {
  status: 'ok' | 'unavailable';
  parts: Record<'edge' | 'uplink' | 'history', { status: 'ok' | 'unavailable' }>;
}

/** Liveness, and the readiness of each part by name. Neither says why: that is in the logs. */
export const healthRoutes: Route[] = [
  { method: 'GET', path: '/healthz', access: 'open', handle: (c) => c.json({ status: 'ok' }) },
  {
    method: 'GET',
    path: '/readyz',
    access: 'open',
    handle: async (c) => {
      const readiness = await readinessOf(c.env);
      return c.json(readiness, readiness.status === 'ok' ? 200 : 503);
    },
  },
];

async function readinessOf(env: Env): Promise<Readiness> {
  const reason = misconfiguration(env);
  if (reason !== undefined) logOnce(reason);
  const uplink = () => uplinkNamed(env, TENANT, 'uplink-0');
  const [isUplinkOk, isHistoryOk] = await Promise.all([
    holds(() => uplink().health()),
    holds(async () => (await ask(uplink(), { v: 1, op: 'health' })).op === 'health'),
  ]);
  const parts = { edge: said(reason === undefined), uplink: said(isUplinkOk), history: said(isHistoryOk) };
  return { ...said(Object.values(parts).every((part) => part.status === 'ok')), parts };
}

async function holds(check: () => Promise<boolean>): Promise<boolean> {
  try {
    return await within(PART_MS_MAX, check());
  } catch {
    return false;
  }
}

function said(isOk: boolean): { status: 'ok' | 'unavailable' } {
  return { status: isOk ? 'ok' : 'unavailable' };
}
