import { schemaOf } from '../openapi/event-schemas.ts';
import { asyncApiDocument } from '../openapi/asyncapi.ts';
import { openApiDocument } from '../openapi/document.ts';
import { documentPage } from '../openapi/page.ts';
import { refuse } from './refused.ts';
import type { Route } from './route.ts';

const CACHE = { 'Cache-Control': 'public, max-age=300' };

/** What describes the API, and a page to read it: all without a token, all from here, so that it works offline. */
export const documentRoutes: Route[] = [
  {
    method: 'GET',
    path: '/v1/openapi.json',
    access: 'open',
    handle: (c) => c.json(openApiDocument(c.env.PUBLIC_URL ?? new URL(c.req.url).origin), 200, CACHE),
  },
  {
    method: 'GET',
    path: '/v1/asyncapi.json',
    access: 'open',
    handle: (c) => c.json(asyncApiDocument(c.env.PUBLIC_URL ?? new URL(c.req.url).origin), 200, CACHE),
  },
  {
    method: 'GET',
    path: '/docs',
    access: 'open',
    handle: (c) => {
      const nonce = crypto.randomUUID();
      const policy = `default-src 'none'; style-src 'nonce-${nonce}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
      const document = openApiDocument(c.env.PUBLIC_URL ?? new URL(c.req.url).origin);
      return c.html(documentPage(document, nonce), 200, { 'Content-Security-Policy': policy });
    },
  },
  {
    method: 'GET',
    path: '/schemas/{type}/{version}',
    access: 'open',
    handle: (c, params) => {
      const schema = schemaOf(params['type'] ?? '', params['version'] ?? '', c.env.PUBLIC_URL ?? new URL(c.req.url).origin);
      if (schema === undefined) throw refuse('not_found', 'There is no such schema.');
      return c.body(JSON.stringify(schema), 200, { 'Content-Type': 'application/schema+json', ...CACHE });
    },
  },
];
