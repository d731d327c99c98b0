import { expect, test } from 'vitest';
import type { Env } from '../../../worker/env.ts';
import { problem, world } from './support.ts';

const SHELL = '<meta name="millrace" content="{settings}" />';

/** The folder of the built pages. */
function pages(files: Record<string, string>): { fetch: (address: string) => Promise<Response> } {
  const fetch = async (address: string): Promise<Response> => {
    const text = files[new URL(address).pathname];
    return new Response(text ?? 'no', { status: text === undefined ? 404 : 200 });
  };
  return { fetch };
}

const built = (more: Partial<Env> = {}) =>
  world({ ASSETS: pages({ '/shell.html': SHELL, '/assets/main-ABCD2345.js': 'x' }), ...more });

async function settingsOf(response: Response): Promise<unknown> {
  const content = /content="([^"]*)"/.exec(await response.text())?.[1] ?? '';
  return JSON.parse(content.replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&amp;', '&'));
}

test.each(['/', '/s/hello', '/s/hello/members', '/s/hello/thread/m1', '/admin', '/admin/dead-letters', '/sign-in'])(
  '%s is the shell, fresh each time',
  async (path) => {
    const response = await built().call('GET', path);
    expect(response.status).toBe(200);
    expect(response.headers.get('Cache-Control')).toBe('no-cache');
    expect(await settingsOf(response)).toEqual({ local: true });
  },
);

test('a page runs, loads and asks nothing but this edge, and cannot be framed', async () => {
  const policy = (await built().call('GET', '/')).headers.get('Content-Security-Policy') ?? '';
  expect(policy.split('; ')).toEqual(
    expect.arrayContaining([
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "connect-src 'self'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
    ]),
  );
  expect(policy).not.toMatch(/unsafe|https?:|\*/);
});

test('the provider of identities may be asked too, and its settings cannot leave their attribute', async () => {
  const it = built({ ENVIRONMENT: 'production', OIDC_ISSUER: 'https://id.example.com/realm', OIDC_CLIENT_ID: '"><script>' });
  const response = await it.call('GET', '/');
  expect(response.headers.get('Content-Security-Policy')).toContain("connect-src 'self' https://id.example.com;");
  const text = await response.clone().text();
  expect(text).not.toContain('<script>');
  expect(await settingsOf(response)).toEqual({
    local: false,
    oidc: { issuer: 'https://id.example.com/realm', clientId: '"><script>', scope: 'openid profile' },
  });
});

test('a file with a hash in its name is kept for good, by its own type', async () => {
  const response = await built().call('GET', '/assets/main-ABCD2345.js');
  expect(response.headers.get('Cache-Control')).toBe('public, max-age=31536000, immutable');
  expect(response.headers.get('Content-Type')).toContain('text/javascript');
  expect(response.headers.get('X-Content-Type-Options')).toBe('nosniff');
});

test.each(['/assets/main-ZZZZZZZZ.js', '/assets/shell.html', '/assets/..%2fstamp', '/assets/stamp'])(
  '%s is nothing that is served',
  async (path) => {
    expect((await problem(await built().call('GET', path))).code).toBe('not_found');
  },
);

test('without the pages the edge says so, and where the rest is', async () => {
  const response = await world({ ASSETS: pages({}) }).call('GET', '/');
  expect(response.status).toBe(503);
  expect(await response.text()).toContain('href="/docs"');
});
