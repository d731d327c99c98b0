import type { GivenToken } from '../../client/index.ts';
import type { Settings } from '../settings.ts';
import { keepIdentity, type Identity } from './identity.ts';

/** Asked by the client before the last token expires. */
export function tokensOf(identity: Identity, settings: Settings): () => Promise<string | GivenToken> {
  if (identity.kind === 'local') return () => localToken(identity.name, identity.scope);
  if (identity.kind === 'token') return () => Promise.resolve(identity.token);
  let current = identity;
  return async () => {
    const { refreshToken, expiresAtMs = Number.POSITIVE_INFINITY } = current;
    const isFresh = expiresAtMs - Date.now() > RENEW_BEFORE_MS;
    if (!isFresh && refreshToken !== undefined && settings.oidc !== undefined) {
      const { renew } = await import('./oidc.ts');
      current = await renew(settings.oidc, refreshToken);
      keepIdentity(current);
    }
    return { token: current.token, ...(current.expiresAtMs === undefined ? {} : { expiresAt: current.expiresAtMs }) };
  };
}

const RENEW_BEFORE_MS = 30_000;

/** The edge of a local run makes tokens by name: the one request of these pages that is none of the interface. */
async function localToken(name: string, scope: 'admin' | undefined): Promise<GivenToken> {
  const response = await fetch('/dev/token', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ name, scope }),
  });
  // shapes are those of worker/routes/dev-token.ts
  const answer = (await response.json()) as { token: string; expiresAt: string; detail?: string };
  if (!response.ok) throw new Error(answer.detail ?? `HTTP ${response.status}`);
  return { token: answer.token, expiresAt: Date.parse(answer.expiresAt) };
}
