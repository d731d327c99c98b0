import { TICKET_PROTOCOL_PREFIX } from '../../shared/contract/frames.ts';
import { ID_PATTERN } from '../../shared/core/ids.ts';
import { authenticate } from '../middleware/auth.ts';
import { isOriginAllowed } from '../middleware/origin.ts';
import { refusalIn } from '../queries/live-events.ts';
import { SOCKET_HEADERS } from '../session/api.ts';
import { tenantOfTicket } from '../ticket.ts';
import type { AppContext, Caller } from './context.ts';
import { afterSeq } from './query-params.ts';
import { refuse, Refused } from './refused.ts';
import type { Params, Route } from './route.ts';
import { reachSession } from './sessions.ts';

/** a ticket that does not name its tenant can only be of this one */
const DEFAULT_TENANT = 'default';

/** GET …/socket (contract §4). All that can be refused without the session is refused here, before the upgrade. */
export const socketRoutes: Route[] = [{ method: 'GET', path: '/v1/sessions/{s}/socket', access: 'configured', handle: upgrade }];

async function upgrade(c: AppContext, params: Params): Promise<Response> {
  if (c.req.header('Upgrade')?.toLowerCase() !== 'websocket') {
    throw refuse('upgrade_required', 'This address answers WebSocket upgrades only.', { Upgrade: 'websocket' });
  }
  const origin = c.req.header('Origin');
  if (origin !== undefined && !isOriginAllowed(c.env, origin, c.req.url)) {
    throw refuse('origin_not_allowed', 'Pages of this origin may not connect.');
  }
  afterSeq(new URL(c.req.url).searchParams);
  const { tenant, caller } = await whoComes(c);
  const sessionId = params['s'] ?? '';
  if (!ID_PATTERN.test(sessionId)) throw refuse('session_not_found', 'There is no such session, or you may not see it.');
  const request = handedOver(c, tenant, sessionId, caller);
  // not repeatable: a ticket may have been used up by an upgrade whose answer was lost
  const answer = await reachSession(c.env, { tenant, sessionId }, false, (session) => session.fetch(request));
  if (answer.status !== 101) throw new Refused(await refusalIn(answer));
  return answer;
}

async function whoComes(c: AppContext): Promise<{ tenant: string; caller?: Caller }> {
  if (c.req.header('Authorization') !== undefined) {
    const caller = await authenticate(c.env, c.req.raw.headers);
    return { tenant: caller.tenant, caller };
  }
  const protocols = (c.req.header('Sec-WebSocket-Protocol') ?? '').split(',').map((each) => each.trim());
  const ticket = protocols.find((each) => each.startsWith(TICKET_PROTOCOL_PREFIX))?.slice(TICKET_PROTOCOL_PREFIX.length);
  if (ticket === undefined || ticket === '') throw refuse('unauthenticated', 'A ticket or a Bearer token is needed.');
  return { tenant: tenantOfTicket(ticket) ?? DEFAULT_TENANT };
}

/** The upgrade as the Session trusts it: our headers replace any that a client sent, and the token stays here. */
function handedOver(c: AppContext, tenant: string, sessionId: string, caller: Caller | undefined): Request {
  const headers = new Headers(c.req.raw.headers);
  for (const name of Object.values(SOCKET_HEADERS)) headers.delete(name);
  headers.delete('Authorization');
  headers.set(SOCKET_HEADERS.tenant, tenant);
  headers.set(SOCKET_HEADERS.sessionId, sessionId);
  headers.set(SOCKET_HEADERS.correlationId, c.var.correlationId);
  if (caller !== undefined) {
    const { actor, tokenExpiresAtMs } = caller;
    headers.set(SOCKET_HEADERS.caller, encodeURIComponent(JSON.stringify({ actor, tokenExpiresAtMs })));
  }
  return new Request(c.req.raw, { headers });
}
