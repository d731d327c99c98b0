import { createRemoteJWKSet, customFetch, type FetchImplementation, type JWTVerifyGetKey } from 'jose';

/** keys are believed for this long after they were fetched; then they must be fetched again, or nobody can be let in: 503 */
export const KEY_SET_MS_MAX = 600_000;
/** a kid that is not among the keys makes the set be fetched again, but not within this time of the last answer: 401 until then */
export const KEY_SET_COOLDOWN_MS = 30_000;
/** within this time of a failure the server is not asked again: 503 at once for all who would need its answer */
export const KEY_SET_RETRY_MS = 5_000;
/** an answer that takes longer is a failure */
const FETCH_MS_MAX = 3_000;
/** before there is any answer every request asks for itself, the platform lets none wait for another's: beyond these 503 */
const FETCHES_MAX = 16;

/** Not asked, for a reason that was logged when it came up. */
export class KeySetNotAsked extends Error {}

/**
 * The keys of a JWK set (RFC 7517) by address. A new key is found without a restart and an old one forgotten, both within bounds,
 * and made-up kids do not become requests. Throws what jose throws for a token, and other errors when the set is out of reach.
 */
export function remoteKeySet(url: string): JWTVerifyGetKey {
  return createRemoteJWKSet(new URL(url), {
    timeoutDuration: FETCH_MS_MAX,
    cooldownDuration: KEY_SET_COOLDOWN_MS,
    cacheMaxAge: KEY_SET_MS_MAX,
    [customFetch]: carefulFetch(),
  });
}

/** jose counts its cooldown from the last success only: a server that is down would be asked for every made-up kid. */
function carefulFetch(): FetchImplementation {
  let failedAtMs: number | undefined;
  // by their time: of a request whose client goes away the platform runs nothing to its end, not even this end
  let startedAtMs: number[] = [];
  return async (address, init) => {
    const nowMs = Date.now();
    if (failedAtMs !== undefined && nowMs - failedAtMs < KEY_SET_RETRY_MS) throw new KeySetNotAsked();
    startedAtMs = startedAtMs.filter((atMs) => nowMs - atMs < FETCH_MS_MAX);
    if (startedAtMs.length >= FETCHES_MAX) throw new KeySetNotAsked();
    startedAtMs.push(nowMs);
    try {
      const response = await fetch(address, init);
      if (response.status !== 200) throw new Error(`the key set answered ${response.status}`);
      const set: unknown = await response.json();
      failedAtMs = undefined;
      return Response.json(set);
    } catch (error) {
      failedAtMs = Date.now();
      throw error;
    } finally {
      startedAtMs = startedAtMs.filter((atMs) => atMs !== nowMs);
    }
  };
}
