import { z } from 'zod';
import type { Env } from './env.ts';
import { logOnce } from './log.ts';

/** Where a tenant's objects live: chosen when an object is first made, so it must be right from the first day (design decision 15). */
const placements = z.record(
  z.string(),
  z.strictObject({ jurisdiction: z.enum(['eu', 'fedramp']).optional(), locationHint: z.string().max(16).optional() }),
);

export interface Placement {
  jurisdiction?: DurableObjectJurisdiction;
  locationHint?: DurableObjectLocationHint;
}

/** Throws when TENANT_PLACEMENT is malformed: guessing would put data where it must not be. */
export function placementOf(env: Pick<Env, 'TENANT_PLACEMENT'>, tenant: string): Placement {
  if (env.TENANT_PLACEMENT === undefined || env.TENANT_PLACEMENT === '') return {};
  try {
    const found = placements.parse(JSON.parse(env.TENANT_PLACEMENT));
    return Object.hasOwn(found, tenant) ? (found[tenant] as Placement) : {};
  } catch (error) {
    logOnce('TENANT_PLACEMENT is not {tenant: {jurisdiction?, locationHint?}} as JSON');
    throw error;
  }
}
