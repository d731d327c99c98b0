import type { PartStatus } from '../../shared/contract/system.ts';
import type { Env } from '../env.ts';
import { poolSize, uplinkNamed } from '../uplink/pool.ts';
import { within } from './time-bound.ts';

/** whose Uplinks are looked at: those of a jurisdiction are others, and known by what their tenants see */
const TENANT = 'default';
/** one that says nothing for this long is down */
const UPLINK_MS_MAX = 2_500;

/** Whether each Uplink of the pool reaches NATS, by name. */
export async function uplinkStates(env: Env): Promise<{ name: string; status: PartStatus }[]> {
  const names = Array.from({ length: poolSize(env) }, (_none, index) => `uplink-${index}`);
  return await Promise.all(names.map(async (name) => ({ name, status: (await isUp(env, name)) ? 'up' : 'down' })));
}

async function isUp(env: Env, name: string): Promise<boolean> {
  try {
    return await within(UPLINK_MS_MAX, uplinkNamed(env, TENANT, name).health());
  } catch {
    return false;
  }
}
