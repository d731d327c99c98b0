import { SignJWT } from 'jose';
import type { Target } from './target.ts';

export interface Claims {
  name?: string;
  kind?: 'user' | 'agent' | 'system';
  tenant?: string;
  scope?: string;
  /** negative makes a token that has expired */
  ttlSeconds?: number;
}

/** One user with a token. */
export interface Person {
  id: string;
  token: string;
  tenant: string;
  claims: Claims;
}

const TTL_SECONDS_DEFAULT = 3_600;

export async function signToken(secret: string, subject: string, { ttlSeconds, ...claims }: Claims): Promise<string> {
  const nowSeconds = Math.floor(Date.now() / 1_000);
  return new SignJWT({ ...claims })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setSubject(subject)
    .setIssuedAt(nowSeconds)
    .setExpirationTime(nowSeconds + (ttlSeconds ?? TTL_SECONDS_DEFAULT))
    .sign(new TextEncoder().encode(secret));
}

/** A person nobody else is: tests run side by side on one system, whose lists and limits are per user. */
export async function person(target: Target, name: string, claims: Claims = {}): Promise<Person> {
  const id = `${name}-${crypto.randomUUID().slice(0, 13)}`;
  return { id, token: await signToken(target.secret, id, claims), tenant: claims.tenant ?? 'default', claims };
}
