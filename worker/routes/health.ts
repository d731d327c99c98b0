import { partsAnswer } from '../../shared/contract/internal.ts';
import { HEALTH_SUBJECT } from '../../shared/contract/subjects.ts';
import { misconfiguration } from '../middleware/configuration.ts';
import { ask, requested } from '../queries/store.ts';
import type { Env } from '../env.ts';
import { logOnce } from '../log.ts';
import { uplinkNamed } from '../uplink/pool.ts';
import type { Route } from './route.ts';
import { within } from './time-bound.ts';
import { uplinkStates } from './uplink-states.ts';

/** a part that says nothing for this long is not available */
const PART_MS_MAX = 2_500;
const TENANT = 'default';

interface Said {
  status: 'ok' | 'unavailable';
}

export interface Readiness extends Said {
  /**
   * `edge`, `uplink` (all of them), `history` (it can be read, and is fed) and `consumers` (one of their processes answers); then each
   * `uplink:…`, and what the consumers say: each `stream:…`, `durable:…`, `worker:…` and `store:…`
   */
  parts: Record<string, Said>;
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
  const [uplinks, isHistoryOk, behind] = await Promise.all([uplinkStates(env), isHistoryReady(env), partsBehind(env)]);
  const parts: Record<string, Said> = {
    edge: said(reason === undefined),
    uplink: said(uplinks.every(({ status }) => status === 'up')),
    history: said(isHistoryOk),
    consumers: said(behind !== undefined),
  };
  for (const { name, status } of uplinks) parts[`uplink:${name}`] = said(status === 'up');
  for (const [name, status] of Object.entries(behind ?? {})) parts[name] = { status };
  return { ...said(Object.values(parts).every((part) => part.status === 'ok')), parts };
}

async function isHistoryReady(env: Env): Promise<boolean> {
  try {
    const uplink = uplinkNamed(env, TENANT, 'uplink-0');
    return (await within(PART_MS_MAX, ask(uplink, { v: 1, op: 'health' }))).op === 'health';
  } catch {
    return false;
  }
}

/** Undefined when no process of the consumers says. */
async function partsBehind(env: Env): Promise<Record<string, Said['status']> | undefined> {
  try {
    const uplink = uplinkNamed(env, TENANT, 'uplink-0');
    const outcome = await within(PART_MS_MAX, requested(uplink, HEALTH_SUBJECT, {}));
    return outcome.ok ? partsAnswer.safeParse(JSON.parse(outcome.payload)).data?.parts : undefined;
  } catch {
    return undefined;
  }
}

function said(isOk: boolean): Said {
  return { status: isOk ? 'ok' : 'unavailable' };
}
