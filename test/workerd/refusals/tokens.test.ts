import { env } from 'cloudflare:workers';
import { createExecutionContext } from 'cloudflare:test';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Env } from '../../../worker/env.ts';
import worker from '../../../worker/index.ts';
import { base64Url, send, signed, token } from '../edge.ts';
import { Arena, expectProblem } from './arena.ts';

/** Whose token is none: contract §7. */

let arena: Arena;
beforeAll(async () => {
  arena = await Arena.make();
});

const bindings = env as unknown as Env;
const SECRET = bindings.JWT_SECRET ?? '';
const UNAUTHENTICATED = { status: 401, code: 'unauthenticated' } as const;
const nowS = () => Math.floor(Date.now() / 1_000);
const claims = (more: object = {}) => ({ sub: 'alice', exp: nowS() + 600, ...more });
const bearer = (jwt: string) => ({ Authorization: `Bearer ${jwt}` });
const hs256 = (more: object, header: object = {}) => signed({ alg: 'HS256', ...header }, claims(more), SECRET);
const unsigned = (header: object) => `${base64Url(JSON.stringify(header))}.${base64Url(JSON.stringify(claims()))}.`;

async function tampered(): Promise<string> {
  const [head, , signature] = (await hs256({ sub: 'bob' })).split('.');
  return `${head}.${base64Url(JSON.stringify(claims()))}.${signature}`;
}

const TOKENS: { name: string; authorization: () => string | undefined | Promise<string> }[] = [
  { name: 'no token', authorization: () => undefined },
  { name: 'an empty one', authorization: () => 'Bearer ' },
  { name: 'another scheme', authorization: () => 'Basic YWxpY2U6YWxpY2U=' },
  { name: 'not a token', authorization: () => 'Bearer x' },
  { name: 'two parts', authorization: () => 'Bearer a.b' },
  { name: 'alg none', authorization: () => `Bearer ${unsigned({ alg: 'none' })}` },
  { name: 'alg None', authorization: () => `Bearer ${unsigned({ alg: 'None' })}` },
  { name: 'no alg', authorization: () => `Bearer ${unsigned({})}` },
  { name: 'HS256 without a signature', authorization: () => `Bearer ${unsigned({ alg: 'HS256' })}` },
  ...(
    [
      ['another secret', () => signed({ alg: 'HS256' }, claims(), 'another secret, also of 32 bytes and more')],
      ['the secret of internal calls', () => signed({ alg: 'HS256' }, claims(), bindings.INTERNAL_SECRET ?? '')],
      ['alg HS512 over an HS256 signature', () => hs256({}, { alg: 'HS512' })],
      ['alg RS256 over an HS256 signature', () => hs256({}, { alg: 'RS256' })],
      ['claims of another', tampered],
      ['expired', () => hs256({ exp: nowS() - 60 })],
      ['no expiry', () => hs256({ exp: undefined })],
      ['an expiry that is text', () => hs256({ exp: 'tomorrow' })],
      ['not valid yet', () => hs256({ nbf: nowS() + 600 })],
      ['no sub', () => hs256({ sub: undefined })],
      ['an empty sub', () => hs256({ sub: '' })],
      ['a sub with a space', () => hs256({ sub: 'al ice' })],
      ['a sub with a slash', () => hs256({ sub: 'a/lice' })],
      ['a sub with a line break', () => hs256({ sub: 'alice\n' })],
      ['a sub that is a number', () => hs256({ sub: 1 })],
      ['a sub of 129 characters', () => hs256({ sub: 'a'.repeat(129) })],
      ['a kind that is none', () => hs256({ kind: 'robot' })],
      ['a tenant in capitals', () => hs256({ tenant: 'Acme' })],
      ['a tenant with a dot', () => hs256({ tenant: 'a.b' })],
      ['a tenant with a star', () => hs256({ tenant: '*' })],
      ['a tenant that is a list', () => hs256({ tenant: ['default'] })],
      ['a name with a control character', () => hs256({ name: 'Al\u0007ice' })],
      ['a scope that is an object', () => hs256({ scope: { admin: true } })],
      ['a critical header that is unknown', () => hs256({}, { crit: ['b64'], b64: false })],
      ['16 KiB and more', () => hs256({ pad: 'x'.repeat(17 * 1024) })],
    ] as [string, () => Promise<string>][]
  ).map(([name, make]) => ({ name, authorization: async () => `Bearer ${await make()}` })),
];

describe.each(['GET', 'POST', 'upgrade'])('%s', (door) => {
  test.each(TOKENS)('$name: 401', async ({ authorization }) => {
    const given = await authorization();
    const headers: Record<string, string> = given === undefined ? {} : { Authorization: given };
    const { path } = arena.at();
    const answer =
      door === 'GET'
        ? await send('GET', path, { headers })
        : door === 'POST'
          ? await send('POST', `${path}/messages`, { headers, body: '{"text":"x"}' })
          : await send('GET', `${path}/socket`, { headers: { ...headers, Upgrade: 'websocket' } });
    expect(answer.headers.get('WWW-Authenticate')).toBe('Bearer');
    await expectProblem(answer, UNAUTHENTICATED);
    await arena.unchanged();
  });
});

test('an odd kid of a shared secret is never looked at', async () => {
  for (const kid of ['../../etc/passwd', "' OR 1=1", 'https://example.com/key', '']) {
    expect(
      (await send('GET', arena.at().path, { headers: bearer(await hs256({}, { kid, jku: 'https://example.com' })) })).status,
    ).toBe(200);
  }
});

test('a token of another tenant sees nothing of this one', async () => {
  const headers = bearer(await token({ sub: 'alice', tenant: 'other' }));
  await expectProblem(await send('GET', arena.at().path, { headers }), { status: 404, code: 'session_not_found' });
});

/** The Worker with other variables; the sessions stay the same. */
async function get(jwt: string, variables: Partial<Env>): Promise<Response> {
  const request = new Request(new URL(arena.at().path, 'http://localhost:8787'), { headers: bearer(jwt) });
  return worker.fetch(request, { ...bindings, ...variables }, createExecutionContext());
}

describe('issuer and audience, where they are set', () => {
  const variables = { JWT_ISSUER: 'https://id.example.com', JWT_AUDIENCE: 'millrace' };
  const good = { iss: variables.JWT_ISSUER, aud: variables.JWT_AUDIENCE };
  test('the right ones are good', async () => expect((await get(await hs256(good), variables)).status).toBe(200));
  test.each([
    {},
    { iss: good.iss },
    { aud: good.aud },
    { ...good, aud: 'other' },
    { ...good, aud: ['other'] },
    { ...good, iss: 'https://id.example.com/' },
  ])('%j: 401', async (more) => {
    await expectProblem(await get(await hs256(more), variables), UNAUTHENTICATED);
  });
});

test.each([{ JWT_SECRET: undefined }, { JWT_SECRET: 'weak' }, { INTERNAL_SECRET: undefined }, { INTERNAL_SECRET: 'weak' }])(
  'an edge with %j: 503',
  async (variables) => {
    await expectProblem(await get(await hs256({}), variables as unknown as Partial<Env>), { status: 503, code: 'unavailable' });
  },
);
