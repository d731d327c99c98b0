import { empty } from '../../shared/contract/fields.ts';
import { invalid } from '../../shared/contract/parse.ts';
import { readJson } from './read-body.ts';
import { Refused } from './refused.ts';
import type { Route } from './route.ts';
import { askSession } from './sessions.ts';

/** POST …/tickets → 201 {ticket, expiresAt} (contract §4). */
export const ticketRoutes: Route[] = [
  {
    method: 'POST',
    path: '/v1/sessions/{s}/tickets',
    access: 'caller',
    handle: async (c, params, { tenant, actor, tokenExpiresAtMs }) => {
      const body = empty.safeParse((await readJson(c.req.raw)) ?? {});
      if (!body.success) throw new Refused(invalid(body.error).refusal);
      const identity = { tenant, sessionId: params['s'] ?? '' };
      // a second ticket does no harm: the first, unheard of, expires
      return c.json(
        await askSession(c.env, identity, true, (session) => session.issueTicket(identity, actor, tokenExpiresAtMs)),
        201,
      );
    },
  },
];
