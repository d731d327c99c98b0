import { ID_PATTERN } from '../../shared/core/ids.ts';
import { refusalIn } from '../queries/live-events.ts';
import { SOCKET_HEADERS } from '../session/api.ts';
import { tenantOfTicket } from '../ticket.ts';
import type { AppContext } from './context.ts';
import { afterSeq } from './query-params.ts';
import { refuse, Refused } from './refused.ts';
import type { Params, Route } from './route.ts';
import { reachSession } from './sessions.ts';
import { callerOf, handedOver, offeredTicket, requireUpgrade } from './upgrade.ts';

/** a ticket that does not name its tenant can only be of this one */
const DEFAULT_TENANT = 'default';

/** GET …/socket (contract §4). All that can be refused without the session is refused here, before the upgrade. */
export const socketRoutes: Route[] = [{ method: 'GET', path: '/v1/sessions/{s}/socket', access: 'configured', handle: upgrade }];

async function upgrade(c: AppContext, params: Params): Promise<Response> {
  requireUpgrade(c);
  afterSeq(new URL(c.req.url).searchParams);
  const caller = await callerOf(c);
  const tenant = caller === undefined ? (tenantOfTicket(offeredTicket(c)) ?? DEFAULT_TENANT) : caller.tenant;
  const sessionId = params['s'] ?? '';
  if (!ID_PATTERN.test(sessionId)) throw refuse('session_not_found', 'There is no such session, or you may not see it.');
  const request = handedOver(c, { [SOCKET_HEADERS.tenant]: tenant, [SOCKET_HEADERS.sessionId]: sessionId }, caller);
  // not repeatable: a ticket may have been used up by an upgrade whose answer was lost
  const answer = await reachSession(c.env, { tenant, sessionId }, false, (session) => session.fetch(request));
  if (answer.status !== 101) throw new Refused(await refusalIn(answer));
  return answer;
}
