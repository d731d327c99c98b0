import { decodeProtectedHeader, errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey, type JWTVerifyOptions } from 'jose';
import { parseActingFor } from '../../shared/contract/acting-for.ts';
import { TENANT_PATTERN, USER_ID_PATTERN } from '../../shared/core/ids.ts';
import { codePoints, hasLoneSurrogate } from '../../shared/core/text.ts';
import type { Actor, ActorKind } from '../../shared/core/types.ts';
import type { Env } from '../env.ts';
import { describeError, log } from '../log.ts';
import type { Caller } from '../routes/context.ts';
import { refuse, type Refused } from '../routes/refused.ts';
import { KeySetNotAsked, remoteKeySet } from './key-set.ts';

const TOKEN_LENGTH_MAX = 16 * 1024;
const CLOCK_TOLERANCE_S = 5;
const NAME_CODE_POINTS_MAX = 200;
/** the end of year 9999: a later expiry has no RFC 3339 form */
const EXPIRY_MS_MAX = 253_402_300_799_000;
const DEFAULT_TENANT = 'default';
const KINDS: readonly string[] = ['user', 'agent', 'system'];
const ASYMMETRIC = ['RS256', 'ES256', 'EdDSA'];

/** Keys live as long as the isolate. One entry a secret, of which there are two at most: one that changes comes with a new isolate. */
const secretKeys = new Map<string, Promise<CryptoKey>>();
let keySet: { url: string; get: JWTVerifyGetKey } | undefined;

/** Verifies `Authorization: Bearer` and reads who calls (contract §7). Throws unauthenticated, forbidden or unavailable. */
export async function authenticate(env: Env, headers: Headers): Promise<Caller> {
  const token = /^Bearer +([A-Za-z0-9_.~+/=-]+) *$/i.exec(headers.get('Authorization') ?? '')?.[1];
  if (token === undefined) throw refuse('unauthenticated', 'A Bearer token is needed.');
  if (token.length > TOKEN_LENGTH_MAX) throw refuse('unauthenticated', 'The token is too long.');
  const payload = await verify(env, token);
  const scopes = scopesOf(payload);
  const tenant = payload['tenant'] ?? DEFAULT_TENANT;
  if (typeof tenant !== 'string' || !TENANT_PATTERN.test(tenant)) throw badClaim('tenant');
  const actor = actingFor(headers.get('Millrace-Actor'), actorOf(payload, scopes), scopes);
  const tokenExpiresAtMs = Math.min(Math.floor((payload.exp ?? 0) * 1_000), EXPIRY_MS_MAX);
  return { tenant, actor, tokenExpiresAtMs, ...(scopes.has('metrics') ? { readsMetrics: true } : {}) };
}

async function verify(env: Env, token: string): Promise<JWTPayload> {
  const options = {
    clockTolerance: CLOCK_TOLERANCE_S,
    requiredClaims: ['exp', 'sub'],
    ...(env.JWT_ISSUER ? { issuer: env.JWT_ISSUER } : {}),
    ...(env.JWT_AUDIENCE ? { audience: env.JWT_AUDIENCE } : {}),
  };
  // the header only chooses between the two ways; each way pins its algorithms to its own kind of key
  const symmetric = algorithmOf(token) === 'HS256';
  try {
    if (symmetric && env.JWT_SECRET) {
      return await verifyShared(token, [env.JWT_SECRET, env.JWT_SECRET_OLD ?? ''], { ...options, algorithms: ['HS256'] });
    }
    if (!symmetric && env.JWT_JWKS_URL) {
      return (await jwtVerify(token, jwks(env.JWT_JWKS_URL), { ...options, algorithms: ASYMMETRIC })).payload;
    }
  } catch (error) {
    throw verificationFailure(error);
  }
  throw refuse('unauthenticated', 'The token is not signed in a way that is accepted here.');
}

function algorithmOf(token: string): string | undefined {
  try {
    return decodeProtectedHeader(token).alg;
  } catch {
    throw refuse('unauthenticated', 'The token is not valid.');
  }
}

const KEY_SET_FAILURES: readonly string[] = ['ERR_JWKS_TIMEOUT', 'ERR_JWKS_INVALID', 'ERR_JOSE_GENERIC'];

/** A key set out of reach says nothing about the token: that is 503, not 401. */
function verificationFailure(error: unknown): Refused {
  if (error instanceof errors.JWTExpired) return refuse('unauthenticated', 'The token has expired.');
  if (error instanceof errors.JOSEError && !KEY_SET_FAILURES.includes(error.code)) {
    return refuse('unauthenticated', 'The token is not valid.');
  }
  if (!(error instanceof KeySetNotAsked)) log('error', 'the key set cannot be read', describeError(error));
  return refuse('unavailable', 'The token cannot be checked right now.');
}

/** By the first secret that it is signed with. */
async function verifyShared(token: string, secrets: readonly string[], options: JWTVerifyOptions): Promise<JWTPayload> {
  const [secret = '', ...others] = secrets;
  try {
    return (await jwtVerify(token, await hmacKey(secret), options)).payload;
  } catch (error) {
    const isAnothers = error instanceof errors.JWSSignatureVerificationFailed && (others[0] ?? '') !== '';
    if (isAnothers) return await verifyShared(token, others, options);
    throw error;
  }
}

function hmacKey(secret: string): Promise<CryptoKey> {
  const known = secretKeys.get(secret);
  if (known !== undefined) return known;
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  const key = crypto.subtle.importKey('raw', new TextEncoder().encode(secret), algorithm, false, ['verify']);
  secretKeys.set(secret, key);
  return key;
}

function jwks(url: string): JWTVerifyGetKey {
  if (keySet?.url !== url) keySet = { url, get: remoteKeySet(url) };
  return keySet.get;
}

function badClaim(name: string): Refused {
  return refuse('unauthenticated', `The claim ${name} of the token is not valid.`);
}

function scopesOf(payload: JWTPayload): ReadonlySet<string> {
  const scope = payload['scope'];
  if (scope === undefined || scope === null) return new Set();
  if (typeof scope === 'string') return new Set(scope.split(' '));
  if (Array.isArray(scope) && scope.every((each) => typeof each === 'string')) return new Set(scope);
  throw badClaim('scope');
}

function actorOf(payload: JWTPayload, scopes: ReadonlySet<string>): Actor {
  const { sub } = payload;
  if (typeof sub !== 'string' || !USER_ID_PATTERN.test(sub)) throw badClaim('sub');
  const kind = payload['kind'] ?? 'user';
  if (!isKind(kind)) throw badClaim('kind');
  const name = nameOf(payload['name']);
  return {
    id: sub,
    kind,
    ...(name === undefined ? {} : { name }),
    ...(scopes.has('service') ? { service: true } : {}),
    ...(scopes.has('admin') ? { admin: true } : {}),
  };
}

function nameOf(claim: unknown): string | undefined {
  if (claim === undefined || claim === null || claim === '') return undefined;
  if (typeof claim !== 'string' || codePoints(claim, NAME_CODE_POINTS_MAX) > NAME_CODE_POINTS_MAX) throw badClaim('name');
  if (/\p{Cc}/u.test(claim) || hasLoneSurrogate(claim)) throw badClaim('name');
  return claim;
}

function isKind(value: unknown): value is ActorKind {
  return typeof value === 'string' && KINDS.includes(value);
}

/**
 * `Millrace-Actor: id[;kind]`: a service acts for another (contract §7). What follows the last `;` must be a kind, so an id that
 * holds a `;` comes with its kind. The right to set `createdAt` stays, the rights of an admin do not go over.
 */
function actingFor(header: string | null, self: Actor, scopes: ReadonlySet<string>): Actor {
  if (header === null) return self;
  if (!scopes.has('service')) throw refuse('forbidden', 'Only a token with the scope service may act for others.');
  const other = parseActingFor(header);
  if (other === undefined) throw refuse('invalid_request', 'Millrace-Actor must be id or id;kind.');
  return { ...other, service: true };
}
