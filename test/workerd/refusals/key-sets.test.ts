import { env } from 'cloudflare:workers';
import { createExecutionContext } from 'cloudflare:test';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Env } from '../../../worker/env.ts';
import worker from '../../../worker/index.ts';
import { KEY_SET_COOLDOWN_MS, KEY_SET_MS_MAX, KEY_SET_RETRY_MS } from '../../../worker/middleware/key-set.ts';
import { base64Url, signed } from '../edge.ts';
import { Arena, expectProblem } from './arena.ts';

/** Tokens that are checked by a key set, its rotation, and its absence: contract §7. */

let arena: Arena;
beforeAll(async () => {
  arena = await Arena.make();
});

const UNAUTHENTICATED = { status: 401, code: 'unauthenticated' } as const;
const UNAVAILABLE = { status: 503, code: 'unavailable' } as const;
const RSA = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 2_048, publicExponent: new Uint8Array([1, 0, 1]) };
const FAR_S = 7_200;

interface KeyPair {
  kid: string;
  privateKey: CryptoKey;
  publicJwk: JsonWebKey;
  pem: string;
}

async function rsaKey(kid: string): Promise<KeyPair> {
  const pair = (await crypto.subtle.generateKey(RSA, true, ['sign', 'verify'])) as CryptoKeyPair;
  const spki = new Uint8Array((await crypto.subtle.exportKey('spki', pair.publicKey)) as ArrayBuffer);
  const pem = `-----BEGIN PUBLIC KEY-----\n${btoa(String.fromCharCode(...spki))}\n-----END PUBLIC KEY-----`;
  const publicJwk = (await crypto.subtle.exportKey('jwk', pair.publicKey)) as JsonWebKey;
  return { kid, privateKey: pair.privateKey, publicJwk, pem };
}

const claims = () => ({ sub: 'alice', exp: Math.floor(Date.now() / 1_000) + FAR_S });

async function rs256(key: KeyPair, header: object = {}): Promise<string> {
  const text = `${base64Url(JSON.stringify({ alg: 'RS256', kid: key.kid, ...header }))}.${base64Url(JSON.stringify(claims()))}`;
  const signature = await crypto.subtle.sign(RSA.name, key.privateKey, new TextEncoder().encode(text));
  return `${text}.${base64Url(new Uint8Array(signature))}`;
}

/** What stands at the address of the key set, and how often it was asked. */
let answer: () => Response;
let asked = 0;
let url: string;
let sets = 0;

function serve(...keys: KeyPair[]): void {
  const jwks = keys.map(({ kid, publicJwk: { kty, n, e } }) => ({ kty, n, e, kid, alg: 'RS256', use: 'sig' }));
  answer = () => Response.json({ keys: jwks });
}
const goDown = (): void => {
  answer = () => new Response('down', { status: 500 });
};

/** Time goes on by so much; it stands still otherwise. */
let nowMs: number;
const pass = (ms: number): void => {
  nowMs += ms;
};

beforeEach(() => {
  asked = 0;
  sets += 1;
  // an address of its own: the Worker keeps what it fetched
  url = `https://keys.example.com/${sets}`;
  nowMs = Date.now();
  vi.spyOn(Date, 'now').mockImplementation(() => nowMs);
  vi.stubGlobal('fetch', async () => {
    asked += 1;
    return answer();
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

async function get(jwt: string): Promise<Response> {
  const request = new Request(new URL(arena.at().path, 'http://localhost:8787'), { headers: { Authorization: `Bearer ${jwt}` } });
  return worker.fetch(request, { ...(env as unknown as Env), JWT_JWKS_URL: url }, createExecutionContext());
}

async function expectGood(key: KeyPair): Promise<void> {
  expect((await get(await rs256(key))).status).toBe(200);
}

async function expectRefused(key: KeyPair, expected: typeof UNAUTHENTICATED | typeof UNAVAILABLE): Promise<void> {
  await expectProblem(await get(await rs256(key)), expected);
}

test('its key is good, and is no secret for HS256', async () => {
  const key = await rsaKey('k1');
  serve(key);
  await expectGood(key);
  for (const secret of [key.pem, `${key.pem}\n`, JSON.stringify(key.publicJwk)]) {
    const forged = await signed({ alg: 'HS256', kid: 'k1' }, claims(), secret);
    await expectProblem(await get(forged), UNAUTHENTICATED);
  }
});

test.each([
  'k1',
  'k2',
  '../k1',
  '../../etc/passwd',
  'https://example.com/jwks',
  '__proto__',
  'constructor',
  "' OR 1=1 --",
  '\u0000',
  'k'.repeat(4_000),
  '',
])('a key that it does not hold, with kid %j: 401, and nothing is asked for but the set', async (kid) => {
  const [mine, theirs] = [await rsaKey('k1'), await rsaKey('k1')];
  serve(mine);
  const addresses: string[] = [];
  vi.stubGlobal('fetch', async (address: string | URL | Request) => {
    addresses.push(String(address instanceof Request ? address.url : address));
    return answer();
  });
  await expectProblem(await get(await rs256(theirs, { kid })), UNAUTHENTICATED);
  expect(addresses).toEqual([url]);
});

test.each([7, null, {}, ['k1']])('a kid that is %j: 401', async (kid) => {
  const key = await rsaKey('k1');
  serve(key);
  await expectProblem(await get(await rs256(key, { kid })), UNAUTHENTICATED);
});

test('keys and addresses that a token brings along: 401', async () => {
  const [mine, theirs] = [await rsaKey('k1'), await rsaKey('k1')];
  serve(mine);
  const brought = { kid: 'k2', jwk: theirs.publicJwk, jku: 'https://example.com', x5u: 'https://example.com' };
  await expectProblem(await get(await rs256(theirs, brought)), UNAUTHENTICATED);
  expect(asked).toBe(1);
});

describe('rotation', () => {
  test('a new key is good without a restart, once the set was not asked just now; the old one ends with its set', async () => {
    const [old, fresh] = [await rsaKey('old'), await rsaKey('new')];
    serve(old);
    await expectGood(old);
    serve(fresh);
    pass(KEY_SET_COOLDOWN_MS - 1);
    await expectRefused(fresh, UNAUTHENTICATED);
    await expectGood(old);
    pass(1);
    await expectGood(fresh);
    await expectRefused(old, UNAUTHENTICATED);
    expect(asked).toBe(2);
  });

  test('an old key is refused after the bound also when nobody brings a new one', async () => {
    const [old, fresh] = [await rsaKey('old'), await rsaKey('new')];
    serve(old);
    await expectGood(old);
    serve(fresh);
    pass(KEY_SET_MS_MAX - 1);
    await expectGood(old);
    expect(asked).toBe(1);
    pass(1);
    await expectRefused(old, UNAUTHENTICATED);
    expect(asked).toBe(2);
  });

  test('a flood of made-up kids asks once in its cooldown', async () => {
    const [mine, theirs] = [await rsaKey('k1'), await rsaKey('k1')];
    serve(mine);
    await expectGood(mine);
    pass(KEY_SET_COOLDOWN_MS);
    for (let made = 0; made < 100; made += 1) {
      await expectProblem(await get(await rs256(theirs, { kid: `made-up-${made}` })), UNAUTHENTICATED);
    }
    expect(asked).toBe(2);
    await expectGood(mine);
  });
});

describe('out of reach', () => {
  const FAILURES: Record<string, () => Response> = {
    'an error': () => new Response('down', { status: 500 }),
    'a redirect': () => new Response(null, { status: 302, headers: { Location: 'https://example.com' } }),
    'no JSON': () => new Response('<html>'),
    'no key set': () => Response.json({ keys: 'none' }),
    'no connection': () => {
      throw new TypeError('refused');
    },
  };
  test.each(Object.keys(FAILURES))('%s: 503 with Retry-After, not 401', async (name) => {
    answer = FAILURES[name] as () => Response;
    const given = await get(await rs256(await rsaKey('k1')));
    expect(given.headers.get('Retry-After')).toBe('1');
    await expectProblem(given, UNAVAILABLE);
  });

  test('known keys are good within the bound, and 503 after it', async () => {
    const key = await rsaKey('k1');
    serve(key);
    await expectGood(key);
    goDown();
    pass(KEY_SET_MS_MAX - 1);
    await expectGood(key);
    pass(1);
    await expectRefused(key, UNAVAILABLE);
    serve(key);
    pass(KEY_SET_RETRY_MS);
    await expectGood(key);
  });

  test('an unknown kid is 401 within the cooldown and 503 after it, and asks again no sooner than the retry', async () => {
    const [mine, theirs] = [await rsaKey('k1'), await rsaKey('k2')];
    serve(mine);
    await expectGood(mine);
    goDown();
    await expectRefused(theirs, UNAUTHENTICATED);
    pass(KEY_SET_COOLDOWN_MS);
    for (let tries = 0; tries < 50; tries += 1) await expectRefused(theirs, UNAVAILABLE);
    expect(asked).toBe(2);
    await expectGood(mine);
    pass(KEY_SET_RETRY_MS);
    await expectRefused(theirs, UNAVAILABLE);
    expect(asked).toBe(3);
  });

  test('P9: before there is any answer, so many ask at once and no more', async () => {
    const key = await rsaKey('k1');
    const jwt = await rs256(key);
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    vi.stubGlobal('fetch', async () => {
      asked += 1;
      await held;
      return answer();
    });
    serve(key);
    const answers = Array.from({ length: 40 }, () => get(jwt));
    await vi.waitFor(() => expect(asked).toBe(16));
    release();
    const statuses = (await Promise.all(answers)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(16);
    expect(statuses.filter((status) => status === 503)).toHaveLength(24);
    await expectGood(key);
    expect(asked).toBe(16);
  });
});
