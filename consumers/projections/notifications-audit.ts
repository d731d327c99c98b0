import type { AuditEdge } from '../audit/edge.ts';
import type { ReadModelAudit } from '../runtime/read-model.ts';

/** Compares the inboxes of a session's members with what the session says; the edge has both, and compares. */
export function notificationsAudit(edge: AuditEdge): ReadModelAudit {
  return {
    async *look({ tenant, sessionId }) {
      const session = { tenant, sessionId };
      for (let after: string | undefined = ''; after !== undefined;) {
        const { findings, next }: Awaited<ReturnType<AuditEdge['inboxes']>> = await edge.inboxes(session, after);
        for (const { userId, kind, detail } of findings) {
          yield { kind, place: `inbox of ${userId}`, detail, mend: async () => await edge.tell(session, [userId]) };
        }
        after = next;
      }
    },
    async close() {
      await Promise.resolve();
    },
  };
}
