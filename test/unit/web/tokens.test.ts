import { afterEach, expect, it, vi } from 'vitest';
import type { Identity } from '../../../web/sign-in/identity.ts';
import { tokensOf } from '../../../web/sign-in/tokens.ts';

type Oidc = Extract<Identity, { kind: 'oidc' }>;
const { renew } = vi.hoisted(() => ({ renew: vi.fn<() => Promise<Oidc>>() }));
vi.mock('../../../web/sign-in/oidc.ts', () => ({ renew }));

const settings = { local: false, oidc: { issuer: 'https://id.example', clientId: 'pages', scope: 'openid' } };
const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const tokenUntil = (ms: number): string =>
  `${encoded({ alg: 'ES256' })}.${encoded({ sub: 'ann', exp: Math.floor(ms / 1_000) })}.x`;
const HOUR_MS = 3_600_000;

afterEach(() => {
  renew.mockReset();
});

it('spends a refresh token once, however many clients of the page ask', async () => {
  renew.mockImplementation(async () => ({
    kind: 'oidc',
    token: 'new',
    refreshToken: 'second',
    expiresAtMs: Date.now() + HOUR_MS,
  }));
  const getToken = tokensOf({ kind: 'oidc', token: 'old', refreshToken: 'first', expiresAtMs: Date.now() }, settings);
  const given = await Promise.all([getToken(), getToken(), getToken()]);
  expect(given.map((each) => (typeof each === 'string' ? each : each.token))).toEqual(['new', 'new', 'new']);
  expect(renew).toHaveBeenCalledTimes(1);
});

it('tries again after a renewal that failed', async () => {
  renew.mockRejectedValueOnce(new Error('away'));
  renew.mockResolvedValueOnce({ kind: 'oidc', token: 'new', expiresAtMs: Date.now() + HOUR_MS });
  const getToken = tokensOf({ kind: 'oidc', token: 'old', refreshToken: 'first', expiresAtMs: Date.now() }, settings);
  await expect(getToken()).rejects.toThrow('away');
  expect(await getToken()).toMatchObject({ token: 'new' });
});

it('renews a token of which nobody but itself said when it expires', async () => {
  renew.mockResolvedValueOnce({ kind: 'oidc', token: tokenUntil(Date.now() + HOUR_MS) });
  const getToken = tokensOf({ kind: 'oidc', token: tokenUntil(Date.now()), refreshToken: 'first' }, settings);
  await getToken();
  expect(renew).toHaveBeenCalledTimes(1);
});
