import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Settings, SettingsError } from './settings.ts';

export interface Secrets {
  /** at least 32 bytes: signs and checks HS256 tokens */
  jwtSecret: string;
  /** at least 32 bytes: signs what consumers send to the edge */
  internalSecret: string;
}

function isSecrets(value: unknown): value is Secrets {
  if (typeof value !== 'object' || value === null) return false;
  return ['jwtSecret', 'internalSecret'].every((name) => {
    const secret: unknown = Reflect.get(value, name);
    return typeof secret === 'string' && secret.length >= 32;
  });
}

function keptSecrets(dataDir: string): Secrets {
  const file = join(dataDir, 'secrets.json');
  mkdirSync(dataDir, { recursive: true });
  // Written aside and linked: of two that make secrets at once, both then read those of the first, whole.
  const aside = `${file}.${process.pid}`;
  const fresh: Secrets = {
    jwtSecret: randomBytes(48).toString('base64url'),
    internalSecret: randomBytes(48).toString('base64url'),
  };
  writeFileSync(aside, `${JSON.stringify(fresh, null, 2)}\n`, { mode: 0o600 });
  try {
    linkSync(aside, file);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  } finally {
    rmSync(aside, { force: true });
  }
  try {
    const kept: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (isSecrets(kept)) return kept;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new SettingsError(`${file} is not as it was written: delete it (tokens made with it become invalid)`);
}

/** The given secrets, else random ones that stay with the data directory. Works whether or not anything is running. */
export function secretsOf(settings: Pick<Settings, 'dataDir' | 'jwtSecret' | 'internalSecret'>): Secrets {
  const { jwtSecret, internalSecret, dataDir } = settings;
  if (jwtSecret !== undefined && internalSecret !== undefined) return { jwtSecret, internalSecret };
  const kept = keptSecrets(dataDir);
  return { jwtSecret: jwtSecret ?? kept.jwtSecret, internalSecret: internalSecret ?? kept.internalSecret };
}
