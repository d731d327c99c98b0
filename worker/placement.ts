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

/** Those that any tenant has. Throws as placementOf does. */
export function jurisdictionsOf(env: Pick<Env, 'TENANT_PLACEMENT'>): DurableObjectJurisdiction[] {
  const all = Object.values(placementsOf(env)).flatMap(({ jurisdiction }) => jurisdiction ?? []);
  return [...new Set(all)].toSorted();
}

/** Throws when TENANT_PLACEMENT is malformed: guessing would put data where it must not be. */
export function placementOf(env: Pick<Env, 'TENANT_PLACEMENT'>, tenant: string): Placement {
  const found = placementsOf(env);
  return Object.hasOwn(found, tenant) ? (found[tenant] ?? {}) : {};
}

function placementsOf(env: Pick<Env, 'TENANT_PLACEMENT'>): Record<string, Placement> {
  if (env.TENANT_PLACEMENT === undefined || env.TENANT_PLACEMENT === '') return {};
  try {
    // the schema knows the jurisdictions; the platform's type of a hint is a list that grows
    return placements.parse(JSON.parse(env.TENANT_PLACEMENT)) as Record<string, Placement>;
  } catch (error) {
    logOnce('TENANT_PLACEMENT is not {tenant: {jurisdiction?, locationHint?}} as JSON');
    throw error;
  }
}
