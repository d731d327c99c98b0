import { z } from 'zod';
import {
  NOTIFIED_SESSIONS_MAX,
  NOTIFIED_USERS_MAX,
  type NotificationsRequest,
  type NotifiedSession,
} from '../../shared/contract/internal.ts';
import { isErased, type Event, type EventType } from '../../shared/core/types.ts';
import { auditEdge } from '../audit/edge.ts';
import { describe } from '../runtime/log.ts';
import type { Delivery, Outcome, Projection } from '../runtime/projection.ts';
import type { ReadModel } from '../runtime/read-model.ts';
import type { SignedPost } from '../runtime/signed-post.ts';
import type { Time } from '../runtime/time.ts';
import { StoreUnavailable } from '../stores/store-unavailable.ts';
import { notificationsAudit } from './notifications-audit.ts';
import { TellPace } from './tell-pace.ts';

/**
 * The read model whose store is the edge: tells users' Inboxes what others did. It keeps nothing and looks at no order:
 * the edge is told which sessions have news, and asks them.
 */
export const NOTIFICATIONS_DURABLE = 'notifications';

export const notificationsReadModel: ReadModel = {
  name: NOTIFICATIONS_DURABLE,
  // an Inbox that is looked at hears of what it lacks: there is no need to tell all users of all sessions at a first start
  refill: 'lost',
  open: async ({ post, now, time }) => ({ projection: notificationsProjection(post, now, time), close: async () => undefined }),
  openAudit: async ({ post }) => notificationsAudit(auditEdge(post)),
};

/** what changes a list or a count; reactions and traces do neither */
const TYPES: readonly EventType[] = [
  'session.created',
  'session.updated',
  'session.archived',
  'session.restored',
  'session.deleted',
  'member.added',
  'member.updated',
  'member.removed',
  'message.created',
  'message.updated',
  'message.deleted',
];

/** more than the edge takes to answer a call (8 s) */
const CALL_MS_MAX = 15_000;
/** no further call after this: what the runtime gives a batch (30 s) must suffice for the last one */
const BATCH_MS_MAX = 14_000;
const PROBE_MS_MAX = 5_000;
/** users named in one call: their ids stay well below the bound of a body */
const CALL_USERS_MAX = 2_000;

const refs = z.array(z.object({ tenant: z.string(), sessionId: z.string() }));
const answerSchema = z.object({ failed: refs, left: refs });

export function notificationsProjection(post: SignedPost, now: () => number, time: Pick<Time, 'after'>): Projection {
  const pace = new TellPace();
  const tell = async (sessions: readonly NotifiedSession[], msMax: number) => {
    const request: NotificationsRequest = { v: 1, sessions: [...sessions] };
    return answerSchema.parse(await post('/internal/notifications', request, msMax));
  };
  return {
    name: NOTIFICATIONS_DURABLE,
    types: TYPES,
    async handle(batch) {
      const sessions = new Set(batch.map(({ event }) => keyOf({ tenant: event.tenant, sessionId: event.sessionid })));
      const waitMs = pace.waitMs(sessions, now());
      if (waitMs > 0) await new Promise<void>((resolve) => void time.after(waitMs, resolve));
      // before the calls: what comes while they are under way may be news that they do not bring
      pace.told(sessions, now());
      const untilMs = now() + BATCH_MS_MAX;
      const failed = new Set<string>();
      let calls = callsFor(batch.map(({ event }) => event));
      for (let call = calls.shift(); call !== undefined; call = calls.shift()) {
        if (now() > untilMs) {
          calls = [call, ...calls];
          break;
        }
        const told = await tell(call, CALL_MS_MAX).catch((error: unknown) => {
          // the edge as a whole: no event is to blame, and nothing is lost by waiting
          throw new StoreUnavailable(`the edge takes no notifications: ${describe(error)}`, { cause: error });
        });
        for (const ref of told.failed) failed.add(keyOf(ref));
        const left = new Set(told.left.map(keyOf));
        if (left.size > 0) calls.push(call.filter((session) => left.has(keyOf(session))));
      }
      const unreached = new Set(calls.flat().map(keyOf));
      return batch.map((delivery) => outcomeOf(delivery, failed, unreached));
    },
    async healthy() {
      try {
        await tell([], PROBE_MS_MAX);
        return true;
      } catch {
        return false;
      }
    },
  };
}

function outcomeOf({ event }: Delivery, failed: ReadonlySet<string>, unreached: ReadonlySet<string>): Outcome {
  const key = keyOf({ tenant: event.tenant, sessionId: event.sessionid });
  if (failed.has(key)) return { kind: 'transient', detail: 'somebody could not be told' };
  return unreached.has(key) ? { kind: 'transient', detail: 'the time did not suffice' } : { kind: 'ok' };
}

/** The calls that a batch needs: each session once, or oftener when it names many, within the bounds of a call. */
export function callsFor(events: readonly Event[]): NotifiedSession[][] {
  const bySession = new Map<string, { tenant: string; sessionId: string; users: Set<string> }>();
  for (const event of events) {
    const { tenant, sessionid: sessionId } = event;
    const key = keyOf({ tenant, sessionId });
    const session = bySession.get(key) ?? { tenant, sessionId, users: new Set() };
    bySession.set(key, session);
    for (const userId of namedBy(event)) session.users.add(userId);
  }
  const calls: NotifiedSession[][] = [];
  let users = CALL_USERS_MAX;
  for (const part of [...bySession.values()].flatMap(partsOf)) {
    const call = calls.at(-1);
    users += part.users.length;
    if (call === undefined || call.length >= NOTIFIED_SESSIONS_MAX || users > CALL_USERS_MAX) {
      calls.push([part]);
      users = part.users.length;
    } else call.push(part);
  }
  return calls;
}

function partsOf({
  tenant,
  sessionId,
  users,
}: {
  tenant: string;
  sessionId: string;
  users: ReadonlySet<string>;
}): NotifiedSession[] {
  const all = [...users];
  const count = Math.max(1, Math.ceil(all.length / NOTIFIED_USERS_MAX));
  return Array.from({ length: count }, (_none, part) => ({
    tenant,
    sessionId,
    users: all.slice(part * NOTIFIED_USERS_MAX, (part + 1) * NOTIFIED_USERS_MAX),
  }));
}

/** Whom an event is about. An erased one has no data, but its subject still says which member it was. */
function namedBy(event: Event): readonly string[] {
  if (event.type === 'member.added' || event.type === 'member.updated' || event.type === 'member.removed') return [event.subject];
  if (isErased(event)) return [];
  if (event.type === 'session.created') return event.data.members.map(({ userId }) => userId);
  return event.type === 'message.created' || event.type === 'message.deleted' ? event.data.mentions : [];
}

function keyOf({ tenant, sessionId }: { tenant: string; sessionId: string }): string {
  return `${tenant} ${sessionId}`;
}
