import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { problem, token, world } from './support.ts';

const nowS = () => Math.floor(Date.now() / 1_000);
const bearer = async (claims: Parameters<typeof token>[0], secret?: string) => ({
  Authorization: `Bearer ${await token(claims, secret)}`,
});
const get = async (headers: Record<string, string>, variables = {}) =>
  world(variables).call('GET', '/v1/sessions/s1', { headers });

afterEach(() => vi.unstubAllGlobals());

describe('a token is refused with 401', () => {
  const claims = {
    'without sub': { sub: undefined },
    'with a sub that is no user id': { sub: 'a b' },
    'without exp': { exp: undefined },
    expired: { exp: nowS() - 60 },
    'not yet valid': { nbf: nowS() + 60 },
    'with an unknown kind': { kind: 'robot' },
    'with a malformed tenant': { tenant: 'No Tenant' },
    'with a control character in its name': { name: 'a\u0007b' },
    'with a name that is too long': { name: 'a'.repeat(201) },
    'with a scope that is neither text nor a list of texts': { scope: [1] },
  };
  test.each(Object.entries(claims))('%s', async (_, each) => {
    const response = await get(await bearer(each as never));
    expect(response.status).toBe(401);
    expect(response.headers.get('WWW-Authenticate')).toBe('Bearer');
    expect((await problem(response)).code).toBe('unauthenticated');
  });

  test.each(['', 'Basic YTpi', 'Bearer', 'Bearer x', 'Bearer a.b.c', `Bearer ${'a'.repeat(20_000)}`])('%j', async (header) => {
    expect((await get(header === '' ? {} : { Authorization: header })).status).toBe(401);
  });

  test('signed with another secret', async () => {
    expect((await get(await bearer({}, 'some other secret of 32 bytes and more'))).status).toBe(401);
  });

  test('unsigned, or with an algorithm that is not pinned', async () => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const payload = part({ sub: 'alice', exp: nowS() + 60 });
    expect((await get({ Authorization: `Bearer ${part({ alg: 'none' })}.${payload}.` })).status).toBe(401);
    expect((await get({ Authorization: `Bearer ${part({ alg: 'HS512' })}.${payload}.AAAA` })).status).toBe(401);
  });

  test('of another issuer or audience, where one is set', async () => {
    const variables = { JWT_ISSUER: 'us', JWT_AUDIENCE: 'here' };
    expect((await get(await bearer({ iss: 'us', aud: 'here' }), variables)).status).toBe(200);
    expect((await get(await bearer({ iss: 'them', aud: 'here' }), variables)).status).toBe(401);
    expect((await get(await bearer({ iss: 'us', aud: 'there' }), variables)).status).toBe(401);
  });
});

test('the claims make the caller, and the tenant is part of every name', async () => {
  const { call, session, names } = world();
  const headers = await bearer({ sub: 'bot', name: 'Bot', kind: 'agent', tenant: 'acme', scope: 'admin other' });
  expect((await call('GET', '/v1/sessions/s1', { headers })).status).toBe(200);
  expect(names).toEqual(['acme/s1']);
  expect(session.describe.mock.calls[0]).toEqual([
    { tenant: 'acme', sessionId: 's1' },
    { id: 'bot', name: 'Bot', kind: 'agent', admin: true },
  ]);
});

test('while the secret is changed, tokens of the one before are taken as well, and of no other', async () => {
  const old = 'the secret that was used until today, 32 bytes';
  const variables = { JWT_SECRET_OLD: old };
  expect((await get(await bearer({}, old), variables)).status).toBe(200);
  expect((await get(await bearer({}), variables)).status).toBe(200);
  expect((await get(await bearer({}, 'some other secret of 32 bytes and more'), variables)).status).toBe(401);
  expect((await get(await bearer({ exp: nowS() - 60 }, old), variables)).status).toBe(401);
  expect((await get(await bearer({}, old))).status).toBe(401);
});

test('clocks may differ by a little', async () => {
  expect((await get(await bearer({ exp: nowS() - 2 }))).status).toBe(200);
});

describe('Millrace-Actor', () => {
  const acting = async (actor: string, claims: Parameters<typeof token>[0]) => {
    const { call, session } = world();
    const response = await call('GET', '/v1/sessions/s1', { headers: { ...(await bearer(claims)), 'Millrace-Actor': actor } });
    return { response, actor: session.describe.mock.calls[0]?.[1] };
  };
  test('needs the scope service', async () => {
    expect((await acting('bob', { scope: 'admin' })).response.status).toBe(403);
  });
  test('names whom the service acts for, without the rights of an admin', async () => {
    expect((await acting('bob', { scope: ['service', 'admin'] })).actor).toEqual({ id: 'bob', kind: 'user', service: true });
    expect((await acting('helper;agent', { scope: 'service' })).actor).toEqual({ id: 'helper', kind: 'agent', service: true });
  });
  test.each(['a b', 'bob;robot', ';agent', 'a/b'])('%j is refused', async (actor) => {
    expect((await problem((await acting(actor, { scope: 'service' })).response)).code).toBe('invalid_request');
  });
});

describe('with a key set', () => {
  const JWT_JWKS_URL = 'https://keys.example.com/jwks';
  const served = (keys: object[], status = 200) =>
    vi.stubGlobal(
      'fetch',
      vi.fn(async () => Response.json({ keys }, { status })),
    );

  test.each(['RS256', 'ES256', 'EdDSA'])('%s tokens are verified', async (alg) => {
    const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
    served([{ ...(await exportJWK(publicKey)), alg, kid: alg }]);
    const jwt = await new SignJWT({ sub: 'alice' })
      .setProtectedHeader({ alg, kid: alg })
      .setExpirationTime('1m')
      .sign(privateKey);
    const url = `${JWT_JWKS_URL}/${alg}`;
    expect((await get({ Authorization: `Bearer ${jwt}` }, { JWT_JWKS_URL: url })).status).toBe(200);
    // a key set alone accepts no shared secret
    expect((await get(await bearer({}), { JWT_JWKS_URL: url, JWT_SECRET: undefined })).status).toBe(401);
  });

  test('that is out of reach the answer is 503, not 401', async () => {
    served([], 500);
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const { privateKey } = await generateKeyPair('ES256');
    const jwt = await new SignJWT({ sub: 'alice' }).setProtectedHeader({ alg: 'ES256' }).setExpirationTime('1m').sign(privateKey);
    const response = await get({ Authorization: `Bearer ${jwt}` }, { JWT_JWKS_URL: `${JWT_JWKS_URL}/down` });
    expect(response.status).toBe(503);
    expect(response.headers.get('Retry-After')).toBe('1');
    log.mockRestore();
  });
});

describe('without a good secret every call is 503', () => {
  const variables = [
    { JWT_SECRET: undefined },
    { JWT_SECRET: 'short' },
    { INTERNAL_SECRET: undefined },
    { INTERNAL_SECRET: 'short' },
    { JWT_SECRET_OLD: 'short' },
    { INTERNAL_SECRET_OLD: 'short' },
  ];
  test.each(variables)('%j', async (each) => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const { call } = world(each as never);
    expect((await call('GET', '/v1/sessions/s1', { headers: await bearer({}) })).status).toBe(503);
    expect((await call('POST', '/internal/receipts')).status).toBe(503);
    expect((await call('GET', '/healthz')).status).toBe(200);
    for (const [line] of log.mock.calls) expect(String(line)).not.toContain('a secret for tests');
    log.mockRestore();
  });
});
