import type { SessionsItem } from '../../shared/contract/answers.ts';
import { mentionsOf, mergeInbox, unreadOf, type InboxChange } from '../../shared/core/inbox.ts';
import type { Env } from '../env.ts';
import type { Caller } from '../routes/context.ts';
import { inLanes } from '../routes/lanes.ts';
import { reachSession } from '../routes/sessions.ts';
import type { Overview, SessionIdentity } from '../session/api.ts';
import { uplinkOf } from '../uplink/pool.ts';
import { readMessages } from './messages.ts';
import { storeBehind } from './store.ts';

/** Sessions asked at the same time for one page */
const OVERVIEWS_AT_ONCE_MAX = 32;

export interface Listed {
  items: SessionsItem[];
  /** what the Sessions know and the Inbox did not */
  learnt: InboxChange[];
}

/**
 * The rows of a page that the Inbox chose, each as its Session answers for it now: rights are checked there, so who was
 * removed sees nothing, whatever the Inbox still believes, and own writes are seen at once. A page may be shorter for that.
 */
export async function listSessions(env: Env, caller: Caller, known: readonly InboxChange[]): Promise<Listed> {
  const rows = await inLanes(known, OVERVIEWS_AT_ONCE_MAX, async (entry) => {
    const identity: SessionIdentity = { tenant: caller.tenant, sessionId: entry.sessionId };
    const overview = await reachSession(env, identity, true, (session) => session.overview(identity, caller.actor));
    const change = overview === undefined ? entry : mergeInbox(entry, overview.change);
    return { entry, change, item: await itemOf(env, identity, overview, change) };
  });
  return {
    items: rows
      .toSorted((a, b) => b.change.activity - a.change.activity)
      .flatMap(({ item }) => (item === undefined ? [] : [item])),
    learnt: rows.flatMap(({ entry, change }) => (change === entry ? [] : [change])),
  };
}

async function itemOf(
  env: Env,
  identity: SessionIdentity,
  overview: Overview | undefined,
  change: InboxChange,
): Promise<SessionsItem | undefined> {
  if (overview?.listed === undefined) return undefined;
  const { session, last } = overview.listed;
  const store = storeBehind(uplinkOf(env, identity.tenant, identity.sessionId));
  const [lastMessage] = last === undefined ? [] : await readMessages(identity, [last], store);
  return {
    session,
    ...(lastMessage === undefined ? {} : { lastMessage }),
    unread: unreadOf(change),
    mentions: mentionsOf(change),
  };
}
