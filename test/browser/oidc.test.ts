import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing, startStack, type Stack } from '../support/stack.ts';
import { findChromium } from './chromium.ts';
import { openBrowser, SEEN_MS_MAX, type Visitors } from './people.ts';

const CLIENT_ID = 'millrace-pages';
const found = await findChromium();
const missing = 'missing' in found ? `Chromium: ${found.missing}` : natsServerMissing();

/** A provider that signs in whoever comes as Grace, and takes PKCE seriously. */
class Provider {
  readonly #server: Server;
  readonly #asked = new Map<string, URLSearchParams>();
  #privateKey: CryptoKey | undefined;
  #publicKey: object = {};
  /** grants that were refused, and why */
  readonly refused: string[] = [];

  constructor() {
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  get issuer(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async start(): Promise<void> {
    const { privateKey, publicKey } = await generateKeyPair('ES256');
    this.#privateKey = privateKey;
    this.#publicKey = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256', use: 'sig' };
    await new Promise<void>((listening) => this.#server.listen(0, '127.0.0.1', listening));
  }

  async stop(): Promise<void> {
    await new Promise((closed) => this.#server.close(closed));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', this.issuer);
    response.setHeader('Access-Control-Allow-Origin', '*');
    const json = (body: object, status = 200): void => {
      response.writeHead(status, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    const { issuer } = this;
    if (pathname === '/.well-known/openid-configuration') {
      json({
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/keys`,
        id_token_signing_alg_values_supported: ['ES256'],
      });
    } else if (pathname === '/keys') json({ keys: [this.#publicKey] });
    else if (pathname === '/authorize') {
      const code = randomUUID();
      this.#asked.set(code, searchParams);
      const back = new URL(searchParams.get('redirect_uri') ?? issuer);
      back.searchParams.set('code', code);
      back.searchParams.set('state', searchParams.get('state') ?? '');
      response.writeHead(302, { Location: back.href }).end();
    } else if (pathname === '/token') {
      let text = '';
      for await (const chunk of request) text += String(chunk);
      const grant = await this.#grant(new URLSearchParams(text));
      json(grant, 'error' in grant ? 400 : 200);
    } else json({}, 404);
  }

  async #grant(asked: URLSearchParams): Promise<object> {
    const before = this.#asked.get(asked.get('code') ?? '');
    this.#asked.delete(asked.get('code') ?? '');
    const challenge = createHash('sha256')
      .update(asked.get('code_verifier') ?? '')
      .digest('base64url');
    if (before === undefined || before.get('code_challenge') !== challenge || asked.get('client_id') !== CLIENT_ID) {
      this.refused.push(before === undefined ? 'an unknown code' : 'a wrong verifier or client');
      return { error: 'invalid_grant' };
    }
    const sign = (audience: string, more: object): Promise<string> =>
      new SignJWT({ name: 'Grace Hopper', ...more })
        .setProtectedHeader({ alg: 'ES256', kid: 'one' })
        .setSubject('grace')
        .setIssuer(this.issuer)
        .setAudience(audience)
        .setIssuedAt()
        .setExpirationTime('1h')
        .sign(this.#privateKey as CryptoKey);
    return {
      token_type: 'Bearer',
      expires_in: 3_600,
      access_token: await sign('millrace', {}),
      id_token: await sign(CLIENT_ID, { nonce: before.get('nonce') }),
    };
  }
}

let provider: Provider;
let stack: Stack;
let visitors: Visitors;

requireOrSkip('a browser and nats-server', missing)('sign-in by OpenID Connect, in Chromium', () => {
  beforeAll(async () => {
    provider = new Provider();
    await provider.start();
    const { issuer } = provider;
    stack = await startStack({
      env: {
        OIDC_ISSUER: issuer,
        OIDC_CLIENT_ID: CLIENT_ID,
        JWT_JWKS_URL: `${issuer}/keys`,
        JWT_ISSUER: issuer,
        JWT_AUDIENCE: 'millrace',
      },
    });
    visitors = await openBrowser(stack, 'path' in found ? found.path : '');
  });
  afterAll(async () => {
    await visitors?.close();
    await stack?.stop();
    await provider?.stop();
  });

  test('who comes back from the provider is signed in, where they wanted to go, and may write', async () => {
    const page = await visitors.browser.newPage();
    page.setDefaultTimeout(SEEN_MS_MAX);
    await page.goto(`${stack.url}/s/nowhere`);
    await page.getByRole('button', { name: 'Sign in with 127.0.0.1' }).click();
    await page.waitForURL(`${stack.url}/s/nowhere`);
    await page.getByText('Nothing to see here').waitFor();
    await page.getByRole('button', { name: /Grace Hopper/ }).waitFor();
    await page.getByRole('button', { name: 'New conversation' }).click();
    await page.getByLabel('Title').fill('By Grace');
    await page.getByRole('button', { name: 'Create' }).click();
    await page.getByTestId('composer').fill('signed in');
    await page.getByTestId('composer').press('Enter');
    await page.locator('[data-testid="message"][data-state="sent"]').filter({ hasText: 'signed in' }).waitFor();
    await page.reload();
    await page.getByTestId('message').filter({ hasText: 'signed in' }).waitFor();
    expect(provider.refused).toEqual([]);
    await page.close();
  });

  test('a code that was not asked for in this tab signs nobody in', async () => {
    const page = await visitors.browser.newPage();
    page.setDefaultTimeout(SEEN_MS_MAX);
    await page.goto(`${stack.url}/sign-in?code=stolen&state=made-up`);
    await page.getByText('This sign-in was not begun in this tab').waitFor();
    await page.getByRole('button', { name: 'Sign in with 127.0.0.1' }).waitFor();
    await page.close();
  });
});
