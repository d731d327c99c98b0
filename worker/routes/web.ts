import type { Env } from '../env.ts';
import { isLocalHost } from '../middleware/origin.ts';
import type { AppContext } from './context.ts';
import { refuse } from './refused.ts';
import type { Params, Route } from './route.ts';

/** Addresses that the pages understand; all are the same shell, whose script looks at the address. */
const PAGES = ['/', '/s/{s}', '/s/{s}/{view}', '/s/{s}/{view}/{id}', '/admin', '/admin/{view}', '/admin/{view}/{id}', '/sign-in'];

/** a name with a hash of what is in it */
const ASSET_PATTERN = /^[\w-]+-[A-Z0-9]{8}\.(js|css)$/;
const ASSET_TYPES: Readonly<Record<string, string>> = { js: 'text/javascript; charset=utf-8', css: 'text/css; charset=utf-8' };
const KEEP_FOR_GOOD = 'public, max-age=31536000, immutable';

export const webRoutes: Route[] = [
  ...PAGES.map((path): Route => ({ method: 'GET', path, access: 'open', handle: shell })),
  { method: 'GET', path: '/assets/{name}', access: 'open', handle: asset },
];

async function shell(c: AppContext): Promise<Response> {
  const file = await c.env.ASSETS.fetch('http://assets/shell.html');
  const found = file.status === 200;
  const text = found ? await file.text() : MISSING;
  const html = text.replace('{settings}', () => escaped(JSON.stringify(settingsOf(c.env, c.req.url))));
  return c.html(html, found ? 200 : 503, {
    'Cache-Control': 'no-cache',
    'Content-Security-Policy': policyOf(c.env),
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    'Cross-Origin-Opener-Policy': 'same-origin',
  });
}

async function asset(c: AppContext, params: Params): Promise<Response> {
  const name = params['name'] ?? '';
  const type = ASSET_TYPES[ASSET_PATTERN.exec(name)?.[1] ?? ''];
  const file = type === undefined ? undefined : await c.env.ASSETS.fetch(`http://assets/assets/${name}`);
  if (file?.status !== 200 || type === undefined) throw refuse('not_found', 'There is nothing at this address.');
  const headers = { 'Content-Type': type, 'Cache-Control': KEEP_FOR_GOOD, 'X-Content-Type-Options': 'nosniff' };
  return new Response(file.body, { headers });
}

/** How people sign in here; all of it is public. */
function settingsOf(env: Env, url: string): object {
  const { OIDC_ISSUER: issuer, OIDC_CLIENT_ID: clientId, OIDC_SCOPE: scope, OIDC_AUDIENCE: audience } = env;
  return {
    local: env.ENVIRONMENT === 'local' && isLocalHost(url),
    ...(issuer && clientId
      ? { oidc: { issuer, clientId, scope: scope || 'openid profile', ...(audience ? { audience } : {}) } }
      : {}),
  };
}

/** Nothing runs, loads or is asked for but what this edge serves, and the provider that signs people in. */
function policyOf(env: Env): string {
  const provider = env.OIDC_ISSUER !== undefined && URL.canParse(env.OIDC_ISSUER) ? ` ${new URL(env.OIDC_ISSUER).origin}` : '';
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    `connect-src 'self'${provider}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
}

/** What is said where the pages were not built: everything else works. */
const MISSING = `<!doctype html>
<html lang="en">
<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Millrace</title>
<h1>Millrace runs, without its pages</h1>
<p>They were not built: the output of <code>npm start</code> says why, and the next start tries again. The interface is all here:
<a href="/docs">read about it</a>, or see <a href="/readyz">how the parts are</a>.</p>
</html>
`;
