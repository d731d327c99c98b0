import { SignJWT } from 'jose';
import type { Environment } from './settings.ts';

export const TOKEN_KINDS = ['user', 'agent', 'system'] as const;

export interface TokenOptions {
  name?: string;
  kind?: (typeof TOKEN_KINDS)[number];
  tenant?: string;
  /** 'admin', 'service', 'metrics', or several separated by spaces */
  scope?: string;
  /** negative makes one that has expired */
  ttlSeconds?: number;
}

const TTL_SECONDS_DEFAULT = 12 * 3600;

/** An HS256 token as contract §7 describes it, with the issuer and audience that the environment asks for. */
export async function makeToken(
  subject: string,
  options: TokenOptions,
  { secret, environment }: { secret: string; environment: Environment },
): Promise<string> {
  const { ttlSeconds = TTL_SECONDS_DEFAULT, ...claims } = options;
  const nowSeconds = Math.floor(Date.now() / 1000);
  const token = new SignJWT({ ...claims })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setSubject(subject)
    .setIssuedAt(nowSeconds)
    .setExpirationTime(nowSeconds + ttlSeconds);
  const issuer = environment['JWT_ISSUER'];
  const audience = environment['JWT_AUDIENCE'];
  if (issuer) token.setIssuer(issuer);
  if (audience) token.setAudience(audience);
  return token.sign(new TextEncoder().encode(secret));
}
