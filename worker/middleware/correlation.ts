import type { MiddlewareHandler } from 'hono';
import { v7 } from 'uuid';
import { CORRELATION_ID_PATTERN, TRACEPARENT_PATTERN } from '../../shared/core/ids.ts';
import type { AppEnv } from '../routes/context.ts';

/** `X-Correlation-Id` and `traceparent` come in and go back (contract §1). An unusable one is as good as none. */
export const correlation: MiddlewareHandler<AppEnv> = async (c, next) => {
  const named = c.req.header('X-Correlation-Id');
  const correlationId = named !== undefined && CORRELATION_ID_PATTERN.test(named) ? named : v7();
  const given = c.req.header('traceparent');
  const traceparent = given !== undefined && TRACEPARENT_PATTERN.test(given) ? given : undefined;
  c.set('correlationId', correlationId);
  c.set('traceparent', traceparent);
  await next();
  // the answer to an upgrade belongs to its socket: rebuilding it would lose that
  if (c.res.status === 101) return;
  c.header('X-Correlation-Id', correlationId);
  if (traceparent !== undefined) c.header('traceparent', traceparent);
  c.header('X-Content-Type-Options', 'nosniff');
  if (!c.res.headers.has('Cache-Control')) c.header('Cache-Control', 'no-store');
};
