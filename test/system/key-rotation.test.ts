import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startStack, until, type Stack } from '../support/stack.ts';

/** An edge that runs, and a key server whose keys change: contract §7. How long each thing lasts is in worker/middleware/key-set.ts. */

const ALGORITHM = 'ES256';
/** the edge asks again for an unknown kid 30 s after the last answer */
const FOUND_MS_MAX = 60_000;

interface Key {
  kid: string;
  privateKey: CryptoKey;
  jwk: JWK;
}

async function makeKey(kid: string): Promise<Key> {
  const { privateKey, publicKey } = await generateKeyPair(ALGORITHM);
  return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: ALGORITHM, use: 'sig' } };
}

class KeyServer {
  asked = 0;
  keys: Key[] = [];
  readonly #server: Server;

  constructor() {
    this.#server = createServer((_request, response) => {
      this.asked += 1;
      response.setHeader('Content-Type', 'application/jwk-set+json');
      response.end(JSON.stringify({ keys: this.keys.map(({ jwk }) => jwk) }));
    });
  }

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/keys`;
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

const server = new KeyServer();
let stack: Stack;

beforeAll(async () => {
  stack = await startStack({ parts: ['edge'], env: { JWT_JWKS_URL: await server.listen() } });
});
afterAll(async () => {
  await stack?.stop();
  await server.close();
});

async function statusWith({ kid, privateKey }: Key): Promise<number> {
  const token = await new SignJWT({})
    .setProtectedHeader({ alg: ALGORITHM, kid })
    .setSubject('alice')
    .setExpirationTime('10m')
    .sign(privateKey);
  const response = await fetch(`${stack.url}/v1/sessions/none`, { headers: { Authorization: `Bearer ${token}` } });
  await response.arrayBuffer();
  return response.status;
}

/** there is no session: whose token is good is told that */
const GOOD = 404;
const BAD = 401;

test('a new key is found without a restart, the old one ends, floods and a server that is gone change nothing', async () => {
  const [old, fresh, foreign] = await Promise.all([makeKey('old'), makeKey('fresh'), makeKey('foreign')]);
  server.keys = [old];
  expect(await statusWith(old)).toBe(GOOD);
  expect(await statusWith(fresh)).toBe(BAD);
  expect(server.asked).toBe(1);

  server.keys = [fresh];
  const flood = Array.from({ length: 100 }, (_, at) => statusWith({ ...foreign, kid: `made-up-${at}` }));
  expect(new Set(await Promise.all(flood))).toEqual(new Set([BAD]));
  expect(server.asked).toBe(1);
  expect(await statusWith(old)).toBe(GOOD);

  await until('the new key is good', async () => (await statusWith(fresh)) === GOOD, FOUND_MS_MAX);
  expect(await statusWith(old)).toBe(BAD);
  expect(server.asked).toBe(2);

  await server.close();
  expect(await statusWith(fresh)).toBe(GOOD);
  expect(await statusWith(foreign)).toBe(BAD);
  expect(stack.said.filter((line) => /died/.test(line))).toEqual([]);
});
