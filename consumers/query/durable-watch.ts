import { sharedLook } from '../runtime/shared-look.ts';

/** what the server said holds for so long; `no` for less, so that a start is not seen late */
export const FOUND_MS_MAX = 3_000;
export const MISSED_MS_MAX = 500;

/**
 * Whether the durable that feeds the store is on the server: without it the store still answers, but nothing new comes in.
 * `look` rejects when it is not there, or the server is away, and has a bound of its own; many askers share one look.
 */
export function durableWatch(look: () => Promise<unknown>, now: () => number): () => Promise<boolean> {
  const isThere = async (): Promise<boolean> =>
    await look().then(
      () => true,
      () => false,
    );
  return sharedLook(isThere, (found) => (found ? FOUND_MS_MAX : MISSED_MS_MAX), now);
}
