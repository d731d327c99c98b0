import { SignJWT, type JWTPayload } from 'jose';
import { z } from 'zod';
import { shortText } from '../../shared/contract/fields.ts';
import { invalid } from '../../shared/contract/parse.ts';
import { USER_ID_PATTERN } from '../../shared/core/ids.ts';
import type { Env } from '../env.ts';
import { isLocalHost } from '../middleware/origin.ts';
import type { AppContext } from './context.ts';
import { readJson } from './read-body.ts';
import { refuse, Refused } from './refused.ts';
import type { Route } from './route.ts';

const TOKEN_TTL_S = 3_600;
const body = z.strictObject({ name: shortText, scope: z.literal('admin').optional() });

/** Tokens for the pages, by a name alone: of a local run only, and only by a name of this machine. */
export const localRoutes: Route[] = [{ method: 'POST', path: '/dev/token', access: 'configured', handle: mint }];

function requireLocal(c: AppContext): void {
  if (c.env.ENVIRONMENT !== 'local' || !isLocalHost(c.req.url)) throw refuse('not_found', 'There is nothing at this address.');
}

/** POST /dev/token {name, scope?} → 201 {token, userId, expiresAt}: whoever sits at this machine may be anyone here, and operate it. */
async function mint(c: AppContext): Promise<Response> {
  requireLocal(c);
  // a form of another site could send text/plain without asking first; JSON it cannot
  if (c.req.header('Content-Type') === undefined) throw refuse('unsupported_media_type', 'The body must be application/json.');
  const parsed = body.safeParse(await readJson(c.req.raw));
  if (!parsed.success) throw new Refused(invalid(parsed.error).refusal);
  if (!c.env.JWT_SECRET) throw refuse('unavailable', 'Tokens of this edge are made elsewhere.');
  const { name, scope } = parsed.data;
  const userId = encodeURIComponent(name);
  if (!USER_ID_PATTERN.test(userId)) throw refuse('invalid_request', 'name is too long for a user id.');
  const expiresAtS = Math.floor(Date.now() / 1_000) + TOKEN_TTL_S;
  const claims = { name, ...(scope === undefined ? {} : { scope }) };
  const token = await signed(c.env, c.env.JWT_SECRET, claims, userId, expiresAtS);
  return c.json({ token, userId, expiresAt: new Date(expiresAtS * 1_000).toISOString() }, 201);
}

function signed(env: Env, secret: string, claims: JWTPayload, userId: string, expiresAtS: number): Promise<string> {
  const jwt = new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(userId)
    .setIssuedAt()
    .setExpirationTime(expiresAtS);
  if (env.JWT_ISSUER) jwt.setIssuer(env.JWT_ISSUER);
  if (env.JWT_AUDIENCE) jwt.setAudience(env.JWT_AUDIENCE);
  return jwt.sign(new TextEncoder().encode(secret));
}
