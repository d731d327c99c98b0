import { utf8Bytes } from '../../shared/core/text.ts';
import type { Env } from '../env.ts';
import { logOnce } from '../log.ts';
import { refuse } from '../routes/refused.ts';

const SECRET_BYTES_MIN = 32;

/** Why this edge must not serve (contract §7), or undefined when it may. */
export function misconfiguration(env: Env): string | undefined {
  const hasJwks = env.JWT_JWKS_URL !== undefined && env.JWT_JWKS_URL !== '';
  if (hasJwks && !URL.canParse(env.JWT_JWKS_URL ?? '')) return 'JWT_JWKS_URL is not an address';
  const hasJwtSecret = env.JWT_SECRET !== undefined && env.JWT_SECRET !== '';
  if ((hasJwtSecret || !hasJwks) && !isGood(env.JWT_SECRET)) return `JWT_SECRET must have at least ${SECRET_BYTES_MIN} bytes`;
  if (!isGood(env.INTERNAL_SECRET)) return `INTERNAL_SECRET must have at least ${SECRET_BYTES_MIN} bytes`;
  for (const name of ['JWT_SECRET_OLD', 'INTERNAL_SECRET_OLD'] as const) {
    if ((env[name] ?? '') !== '' && !isGood(env[name]))
      return `${name} must have at least ${SECRET_BYTES_MIN} bytes, or be unset`;
  }
  return undefined;
}

function isGood(secret: string | undefined): boolean {
  return secret !== undefined && utf8Bytes(secret) >= SECRET_BYTES_MIN;
}

export function requireConfigured(env: Env): void {
  const reason = misconfiguration(env);
  if (reason === undefined) return;
  logOnce(reason);
  throw refuse('unavailable', 'The edge is not configured to serve.');
}
