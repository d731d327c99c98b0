import {
  auditDigests,
  auditEvents,
  auditInboxes,
  type AuditDigests,
  type AuditInboxes,
  type AuditRequest,
} from '../../shared/contract/audit.ts';
import type { NotificationsRequest } from '../../shared/contract/internal.ts';
import type { Event } from '../../shared/core/types.ts';
import type { SignedPost } from '../runtime/signed-post.ts';
import type { SessionKey } from '../stores/history/port.ts';

/** more than the edge takes for one object */
const CALL_MS_MAX = 15_000;

/** The edge as an audit asks it. Every call rejects when it is away or late. */
export interface AuditEdge {
  digests(session: SessionKey, from: number): Promise<AuditDigests>;
  /** those of from…to that are still whole, the first of them at most as many as one answer holds */
  events(session: SessionKey, from: number, to: number): Promise<Event[]>;
  inboxes(session: SessionKey, after: string): Promise<AuditInboxes>;
  /** has these users' inboxes told what the session says */
  tell(session: SessionKey, users: readonly string[]): Promise<void>;
}

export function auditEdge(post: SignedPost): AuditEdge {
  const ask = async (request: AuditRequest): Promise<unknown> => await post('/internal/audit', request, CALL_MS_MAX);
  return {
    digests: async (session, from) => auditDigests.parse(await ask({ v: 1, op: 'digests', ...ref(session), from })),
    async events(session, from, to) {
      const { events } = auditEvents.parse(await ask({ v: 1, op: 'events', ...ref(session), from, to }));
      // the edge decided and stored them
      return events.map((event) => JSON.parse(event) as Event);
    },
    inboxes: async (session, after) => auditInboxes.parse(await ask({ v: 1, op: 'inboxes', ...ref(session), after })),
    async tell(session, users) {
      const request: NotificationsRequest = { v: 1, sessions: [{ ...ref(session), users: [...users] }] };
      await post('/internal/notifications', request, CALL_MS_MAX);
    },
  };
}

function ref({ tenant, sessionId }: SessionKey): SessionKey {
  return { tenant, sessionId };
}
