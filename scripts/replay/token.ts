import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { z } from 'zod';

const TOKEN_TTL_S = 12 * 3_600;
const secrets = z.looseObject({ jwtSecret: z.string().min(1) });

/** The signing secret: JWT_SECRET, else `jwtSecret` of `secrets.json` in the data directory. Throws one line that says what to do. */
export async function secretFrom(environment: Readonly<Record<string, string | undefined>>, dataDir: string): Promise<string> {
  const given = environment['JWT_SECRET'];
  if (given !== undefined && given !== '') return given;
  const file = join(dataDir, 'secrets.json');
  try {
    return secrets.parse(JSON.parse(await readFile(file, 'utf8'))).jwtSecret;
  } catch (error) {
    throw new Error(`no jwtSecret in ${file}: start the system first (npm start), name its --data-dir, or set JWT_SECRET`, {
      cause: error,
    });
  }
}

/** An HS256 token for one user (contract §7). */
export async function mintToken(
  secret: string,
  userId: string,
  environment: Readonly<Record<string, string | undefined>> = {},
): Promise<string> {
  const token = new SignJWT({ kind: 'user' })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(userId)
    .setIssuedAt()
    .setExpirationTime(Math.floor(Date.now() / 1_000) + TOKEN_TTL_S);
  if (environment['JWT_ISSUER']) token.setIssuer(environment['JWT_ISSUER']);
  if (environment['JWT_AUDIENCE']) token.setAudience(environment['JWT_AUDIENCE']);
  return token.sign(new TextEncoder().encode(secret));
}
