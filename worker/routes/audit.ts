import {
  auditRequest,
  type AuditDigests,
  type AuditEvents,
  type AuditInboxes,
  type AuditRequest,
} from '../../shared/contract/audit.ts';
import { inboxFault } from '../../shared/core/inbox.ts';
import type { Env } from '../env.ts';
import { inboxStub } from '../inbox/stub.ts';
import { sessionStub } from '../session/stub.ts';
import type { AppContext } from './context.ts';
import { inLanes } from './in-lanes.ts';
import type { Route } from './route.ts';
import { readSigned } from './signed-call.ts';
import { within } from './time-bound.ts';

/** an object that takes longer fails the call: who audits asks again */
const OBJECT_MS_MAX = 5_000;
const INBOXES_AT_ONCE_MAX = 16;

/** POST /internal/audit: what the edge knows of a session, for a comparison elsewhere. Signed; never for browsers. */
export const auditRoutes: Route[] = [
  {
    method: 'POST',
    path: '/internal/audit',
    access: 'configured',
    handle: async (c: AppContext) => c.json(await answer(c.env, await readSigned(c, auditRequest))),
  },
];

async function answer(env: Env, request: AuditRequest): Promise<AuditDigests | AuditEvents | AuditInboxes> {
  const { tenant, sessionId } = request;
  const identity = { tenant, sessionId };
  const session = sessionStub(env, identity);
  switch (request.op) {
    case 'digests': {
      const found = await within(OBJECT_MS_MAX, session.auditDigests(identity, request.from));
      return found === undefined ? {} : { session: found };
    }
    case 'events':
      return { events: await within(OBJECT_MS_MAX, session.auditEvents(identity, request.from, request.to)) };
    case 'inboxes':
      return await inboxes(env, request);
  }
}

async function inboxes(env: Env, { tenant, sessionId, after }: Extract<AuditRequest, { op: 'inboxes' }>): Promise<AuditInboxes> {
  const identity = { tenant, sessionId };
  const { users, next, isUnpushed } = await within(OBJECT_MS_MAX, sessionStub(env, identity).auditInboxes(identity, after));
  const findings: AuditInboxes['findings'] = [];
  const look = async ({ userId, change }: (typeof users)[number]): Promise<void> => {
    const inbox = { tenant, userId };
    const known = await within(OBJECT_MS_MAX, inboxStub(env, inbox).entry(inbox, sessionId));
    const fault = inboxFault(known, change);
    if (fault !== undefined) findings.push({ userId, ...fault });
  };
  await inLanes(users, look, INBOXES_AT_ONCE_MAX);
  return {
    looked: users.length,
    findings,
    ...(next === undefined ? {} : { next }),
    ...(isUnpushed === undefined ? {} : { isUnpushed }),
  };
}
