import { readStored, writeStored } from '../stored.ts';

/** Who uses this page. */
export type Identity =
  /** of a local run: a name is enough */
  | { kind: 'local'; name: string; scope?: 'admin' }
  /** a token that somebody made elsewhere */
  | { kind: 'token'; token: string }
  /** of the provider; renewed by it where it gave a refresh token */
  | { kind: 'oidc'; token: string; refreshToken?: string; expiresAtMs?: number };

const NAME = 'identity';
const tab = (): Storage => sessionStorage;

/** That of this tab, else of this browser. */
export function readIdentity(): Identity | undefined {
  return parsed(readStored(NAME, tab)) ?? parsed(readStored(NAME));
}

/** A name is remembered by the browser, unless this tab alone is meant; tokens by their tab. */
export function keepIdentity(identity: Identity, forThisTab = identity.kind !== 'local'): void {
  writeStored(NAME, JSON.stringify(identity), forThisTab ? tab : undefined);
}

/** Signs this tab out; and the others too, where they are the same. */
export function forgetIdentity(): void {
  if (readStored(NAME, tab) !== null) return writeStored(NAME, null, tab);
  writeStored(NAME, null);
}

function parsed(text: string | null): Identity | undefined {
  try {
    const value: unknown = JSON.parse(text ?? 'null');
    return isIdentity(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isIdentity(value: unknown): value is Identity {
  const { kind, name, token } = (value ?? {}) as Record<string, unknown>;
  return kind === 'local' ? typeof name === 'string' : (kind === 'token' || kind === 'oidc') && typeof token === 'string';
}
