import type { GivenToken } from '../../client/index.ts';
import { expiryMsOf } from '../../client/token-claims.ts';
import type { OidcSettings, Settings } from '../settings.ts';
import { keepIdentity, type Identity } from './identity.ts';

/** Asked by the client before the last token expires. */
export function tokensOf(identity: Identity, settings: Settings): () => Promise<string | GivenToken> {
  if (identity.kind === 'local') return () => localToken(identity.name, identity.scope);
  if (identity.kind === 'token') return () => Promise.resolve(identity.token);
  let current = identity;
  let renewing: Promise<void> | undefined;
  const renewBy = async (oidc: OidcSettings, refreshToken: string): Promise<void> => {
    const { renew } = await import('./oidc.ts');
    current = await renew(oidc, refreshToken);
    keepIdentity(current);
  };
  return async () => {
    const { refreshToken } = current;
    const isFresh = (expiryOf(current) ?? Infinity) - Date.now() > RENEW_BEFORE_MS;
    if (!isFresh && refreshToken !== undefined && settings.oidc !== undefined) {
      // one for all clients of the page: a provider that gives a new refresh token each time takes the old one for stolen
      renewing ??= renewBy(settings.oidc, refreshToken).finally(() => (renewing = undefined));
      await renewing;
    }
    const expiresAt = expiryOf(current);
    return { token: current.token, ...(expiresAt === undefined ? {} : { expiresAt }) };
  };
}

/** As the provider said, else as the token says itself: an ID token comes without a word about it. */
function expiryOf({ token, expiresAtMs }: Extract<Identity, { kind: 'oidc' }>): number | undefined {
  return expiresAtMs ?? expiryMsOf(token);
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
