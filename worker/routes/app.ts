import { Hono } from 'hono';
import { ID_PATTERN } from '../../shared/core/ids.ts';
import { refusal } from '../../shared/core/codes.ts';
import { authenticate } from '../middleware/auth.ts';
import { requireConfigured } from '../middleware/configuration.ts';
import { correlation } from '../middleware/correlation.ts';
import { cors } from '../middleware/cors.ts';
import { onError, problemResponse } from '../middleware/problems.ts';
import { traced } from '../middleware/traced.ts';
import { adminRoutes } from './admin.ts';
import { auditRoutes } from './audit.ts';
import { commandRoutes } from './commands.ts';
import type { AppContext, AppEnv } from './context.ts';
import { localRoutes } from './dev-token.ts';
import { documentRoutes } from './documents.ts';
import { eventsRoutes } from './events.ts';
import { healthRoutes } from './health.ts';
import { ingressRoutes } from './ingress.ts';
import { inboxRoutes } from './inbox.ts';
import { internalEventRoutes } from './internal-events.ts';
import { metricsRoutes } from './metrics.ts';
import { notificationRoutes } from './notifications.ts';
import { queryRoutes } from './queries.ts';
import { receiptRoutes } from './receipts.ts';
import { searchRoutes } from './search.ts';
import { refuse } from './refused.ts';
import { decodedParams, methodsOf, routerPath, type Route } from './route.ts';
import { socketRoutes } from './socket.ts';
import { ticketRoutes } from './tickets.ts';
import { webRoutes } from './web.ts';

export const ROUTES: readonly Route[] = [
  ...commandRoutes,
  ...queryRoutes,
  ...inboxRoutes,
  ...searchRoutes,
  ...eventsRoutes,
  ...ticketRoutes,
  ...adminRoutes,
  ...socketRoutes,
  ...receiptRoutes,
  ...ingressRoutes,
  ...notificationRoutes,
  ...auditRoutes,
  ...internalEventRoutes,
  ...healthRoutes,
  ...metricsRoutes,
  ...documentRoutes,
  ...localRoutes,
  ...webRoutes,
];

/** The Worker: parses, authenticates, routes, and nothing else. */
export function createApp(): Hono<AppEnv> {
  // the raw path: parameters are decoded once, by decodedParams, which refuses what the router would let pass
  const app = new Hono<AppEnv>({ getPath: (request) => new URL(request.url).pathname });
  app.use(correlation, cors);
  for (const route of ROUTES) app.on(route.method, routerPath(route.path), (c) => traced(c, route, () => answer(c, route)));
  app.notFound(noRoute);
  app.onError(onError);
  return app;
}

async function answer(c: AppContext, route: Route): Promise<Response> {
  const { pathname } = new URL(c.req.url);
  if (route.access === 'open') return route.handle(c, decodedParams(route.path, pathname));
  requireConfigured(c.env);
  if (route.access === 'configured') return route.handle(c, decodedParams(route.path, pathname));
  const caller = await authenticate(c.env, c.req.raw.headers);
  const params = decodedParams(route.path, pathname);
  // an id that cannot exist is one that does not: told like any other, to those who proved who they are
  if (params['s'] !== undefined && !ID_PATTERN.test(params['s'])) {
    throw refuse('session_not_found', 'There is no such session, or you may not see it.');
  }
  return route.handle(c, params, caller);
}

function noRoute(c: AppContext): Response {
  const methods = methodsOf(ROUTES, new URL(c.req.url).pathname);
  if (methods.length === 0) return problemResponse(c, refusal('not_found', 'There is nothing at this address.'));
  const allow = { Allow: methods.join(', ') };
  if (c.req.method === 'OPTIONS') return new Response(null, { status: 204, headers: allow });
  return problemResponse(c, refusal('method_not_allowed', `This address answers ${methods.join(', ')}.`), allow);
}
