import { setTimeout as sleep } from 'node:timers/promises';

const BASE_MS = 50;
const CAP_MS = 3_000;
/** a server that asks for longer is asked again after this */
const RETRY_AFTER_MS_MAX = 30_000;

/**
 * Full jitter with a cap, never sooner than the server asked for.
 * Rejected: equal delays, which bring all clients of a restarted edge back in the same millisecond.
 */
export function retryDelayMs(attempt: number, askedMs: number, random: () => number = Math.random): number {
  const jittered = random() * Math.min(CAP_MS, BASE_MS * 2 ** Math.min(attempt, 10));
  return Math.ceil(Math.min(askedMs, RETRY_AFTER_MS_MAX) + jittered);
}

/** Milliseconds of a Retry-After header: seconds or an HTTP date (RFC 9110 §10.2.3); 0 when absent or unreadable. */
export function retryAfterMs(header: string | null, nowMs: number): number {
  if (header === null) return 0;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1_000);
  const at = Date.parse(header);
  return Number.isNaN(at) ? 0 : Math.max(0, at - nowMs);
}

export { sleep };
