import { notificationsRequest, type NotificationsAnswer, type NotifiedSession } from '../../shared/contract/internal.ts';
import type { InboxChange } from '../../shared/core/inbox.ts';
import type { Env } from '../env.ts';
import type { InboxIdentity } from '../inbox/api.ts';
import { inboxStub } from '../inbox/stub.ts';
import { describeError, log } from '../log.ts';
import type { SessionIdentity } from '../session/api.ts';
import { sessionStub } from '../session/stub.ts';
import { inLanes } from './lanes.ts';
import type { Route } from './route.ts';
import { readSigned } from './signed-call.ts';
import { TimedOut, within } from './time-bound.ts';

/** an object that takes longer is the consumer's to tell again: it must not hold its lane */
const OBJECT_MS_MAX = 2_000;
/** well below what the consumer waits for an answer (15 s): without one it would repeat all of the call */
const CALL_MS_MAX = 8_000;
const OBJECTS_AT_ONCE_MAX = 16;
/** sessions whose members are told together, each inbox once; it bounds what is in memory */
const ROUND_SESSIONS_MAX = 20;

/** POST /internal/notifications: users' Inboxes hear what others did. Signed; never for browsers. */
export const notificationRoutes: Route[] = [
  {
    method: 'POST',
    path: '/internal/notifications',
    access: 'configured',
    handle: async (c) => c.json(await notify(c.env, (await readSigned(c, notificationsRequest)).sessions)),
  },
];

/** What one Inbox is told in a round, and of which sessions. */
interface Telling {
  identity: InboxIdentity;
  changes: InboxChange[];
  sessions: SessionIdentity[];
}

/** Whole sessions after each other, so that a call that runs out of time has brought some of them to an end. */
async function notify(env: Env, sessions: readonly NotifiedSession[]): Promise<NotificationsAnswer> {
  const untilMs = Date.now() + CALL_MS_MAX;
  const failed = new Map<string, SessionIdentity>();
  const left = new Map<string, SessionIdentity>();
  for (let at = 0; at < sessions.length; at += ROUND_SESSIONS_MAX) {
    const round = sessions.slice(at, at + ROUND_SESSIONS_MAX);
    const bounds = { untilMs, failed, left };
    await tellAll(env, await askAll(env, round, bounds), bounds);
  }
  // what failed has a wait before it, what was left comes again at once
  for (const key of failed.keys()) left.delete(key);
  return { failed: [...failed.values()], left: [...left.values()] };
}

interface Bounds {
  untilMs: number;
  failed: Map<string, SessionIdentity>;
  left: Map<string, SessionIdentity>;
}

async function askAll(env: Env, round: readonly NotifiedSession[], bounds: Bounds): Promise<Telling[]> {
  const byUser = new Map<string, Telling>();
  await inLanes(round, OBJECTS_AT_ONCE_MAX, async ({ tenant, sessionId, users }) => {
    const session = { tenant, sessionId };
    const changes = await attempt([session], bounds, () => sessionStub(env, session).inboxChanges(session, users));
    for (const { userId, change } of changes ?? []) {
      const key = `${tenant}/${userId}`;
      const telling = byUser.get(key) ?? { identity: { tenant, userId }, changes: [], sessions: [] };
      byUser.set(key, telling);
      telling.changes.push(change);
      telling.sessions.push(session);
    }
  });
  return [...byUser.values()];
}

async function tellAll(env: Env, tellings: readonly Telling[], bounds: Bounds): Promise<void> {
  await inLanes(tellings, OBJECTS_AT_ONCE_MAX, async ({ identity, changes, sessions }) => {
    await attempt(sessions, bounds, () => inboxStub(env, identity).take(identity, changes));
  });
}

/** One question to one object, within the time that is left. What goes wrong with it is written down for its sessions. */
async function attempt<T>(
  sessions: readonly SessionIdentity[],
  { untilMs, failed, left }: Bounds,
  ask: () => Promise<T>,
): Promise<T | undefined> {
  const note = (where: Map<string, SessionIdentity>): void => {
    for (const session of sessions) where.set(`${session.tenant} ${session.sessionId}`, session);
  };
  const leftMs = untilMs - Date.now();
  if (leftMs <= 0) {
    note(left);
    return undefined;
  }
  try {
    return await within(Math.min(OBJECT_MS_MAX, leftMs), ask());
  } catch (error) {
    log('warn', 'news were not taken', {
      sessions: sessions.map(({ sessionId }) => sessionId).slice(0, 10),
      ...describeError(error),
    });
    // cut short by the end of the call, it did nothing wrong
    note(error instanceof TimedOut && leftMs < OBJECT_MS_MAX ? left : failed);
    return undefined;
  }
}
