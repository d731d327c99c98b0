import { eventsAtRequest, type EventsAtAnswer } from '../../shared/contract/internal.ts';
import { readEventsAt } from '../queries/events-at.ts';
import { storeBehind } from '../queries/store.ts';
import { uplinkOf } from '../uplink/pool.ts';
import type { AppContext } from './context.ts';
import type { Route } from './route.ts';
import { reachSession } from './sessions.ts';
import { readSigned } from './signed-call.ts';

/** POST /internal/events: an event as it is now, whole or erased. Signed; never for browsers. */
export const internalEventRoutes: Route[] = [
  { method: 'POST', path: '/internal/events', access: 'configured', handle: async (c) => c.json(await eventsAt(c)) },
];

async function eventsAt(c: AppContext): Promise<EventsAtAnswer> {
  const { tenant, sessionId, seqs } = await readSigned(c, eventsAtRequest);
  const identity = { tenant, sessionId };
  const found = await reachSession(c.env, identity, true, (session) => session.eventsAt(identity, seqs));
  return { events: await readEventsAt(identity, found, storeBehind(uplinkOf(c.env, tenant, sessionId))) };
}
