import type { Env } from '../env.ts';
import { jurisdictionsOf, placementOf } from '../placement.ts';
import type { UplinkApi } from './api.ts';

const POOL_DEFAULT = 4;
/** more would only open more NATS connections than a server likes; a larger UPLINKS counts as this */
const POOL_MAX = 64;

export function poolSize(env: Pick<Env, 'UPLINKS'>): number {
  const size = Number(env.UPLINKS ?? POOL_DEFAULT);
  return Number.isSafeInteger(size) && size >= 1 ? Math.min(size, POOL_MAX) : POOL_DEFAULT;
}

/** Name of the Uplink that a session publishes and asks through: always the same one, so that its events leave in order. */
export function uplinkName(tenant: string, sessionId: string, size: number): string {
  return `uplink-${fnv1a(`${tenant}/${sessionId}`) % size}`;
}

/** The Uplink of a session, in the jurisdiction of its tenant: events must not leave it on their way. */
export function uplinkOf(env: Env, tenant: string, sessionId: string): UplinkApi {
  return uplinkNamed(env, tenant, uplinkName(tenant, sessionId, poolSize(env)));
}

export function uplinkNamed(env: Env, tenant: string, name: string): UplinkApi {
  const { jurisdiction } = placementOf(env, tenant);
  const namespace = jurisdiction === undefined ? env.UPLINK : env.UPLINK.jurisdiction(jurisdiction);
  return namespace.get(namespace.idFromName(name));
}

/** An Uplink as whoever asks all of them knows it. */
export interface PooledUplink {
  /** with its jurisdiction, where it has one: a pool each */
  name: string;
  stub(env: Env): UplinkApi;
}

/** Every Uplink there may be: the pool of those without a jurisdiction, and one of each that a tenant has. */
export function pool(env: Env): PooledUplink[] {
  const names = Array.from({ length: poolSize(env) }, (_none, index) => `uplink-${index}`);
  return [undefined, ...jurisdictionsOf(env)].flatMap((jurisdiction) =>
    names.map((name) => ({
      name: jurisdiction === undefined ? name : `${jurisdiction} ${name}`,
      stub: ({ UPLINK }) => {
        const namespace = jurisdiction === undefined ? UPLINK : UPLINK.jurisdiction(jurisdiction);
        return namespace.get(namespace.idFromName(name));
      },
    })),
  );
}

/** FNV-1a, 32 bits, over UTF-16 code units: ids are ASCII. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
