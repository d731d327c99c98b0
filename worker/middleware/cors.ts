import type { MiddlewareHandler } from 'hono';
import type { AppEnv } from '../routes/context.ts';
import { isOriginAllowed } from './origin.ts';

const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE';
const REQUEST_HEADERS =
  'Authorization, Content-Type, Idempotency-Key, X-Correlation-Id, traceparent, Millrace-Actor, Last-Event-ID';
const EXPOSED_HEADERS = 'Location, Retry-After, X-Correlation-Id, Idempotent-Replayed, traceparent, Deprecation, Sunset';
const PREFLIGHT_AGE_S = 600;

/**
 * Contract §7: an origin that is not allowed gets no CORS headers at all, which hono's own middleware cannot do
 * (it exposes headers to everyone). No credentials: there are no cookies.
 */
export const cors: MiddlewareHandler<AppEnv> = async (c, next) => {
  const origin = c.req.header('Origin');
  const allowed = origin !== undefined && isOriginAllowed(c.env, origin, c.req.url);
  const isPreflight = c.req.method === 'OPTIONS' && c.req.header('Access-Control-Request-Method') !== undefined;
  if (isPreflight) c.res = new Response(null, { status: 204 });
  else await next();
  if (c.res.status === 101) return;
  c.header('Vary', 'Origin', { append: true });
  if (!allowed) return;
  c.header('Access-Control-Allow-Origin', origin);
  if (isPreflight) {
    c.header('Access-Control-Allow-Methods', METHODS);
    c.header('Access-Control-Allow-Headers', REQUEST_HEADERS);
    c.header('Access-Control-Max-Age', String(PREFLIGHT_AGE_S));
  } else {
    c.header('Access-Control-Expose-Headers', EXPOSED_HEADERS);
  }
};
