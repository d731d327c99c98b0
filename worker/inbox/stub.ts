import type { InboxChange } from '../../shared/core/inbox.ts';
import type { Env } from '../env.ts';
import { placementOf } from '../placement.ts';
import { within } from '../routes/time-bound.ts';
import type { InboxApi, InboxIdentity } from './api.ts';

/** an Inbox that takes longer counts as one that did not take it: telling it again does no harm */
const TELL_MS_MAX = 1_000;

export type InboxStub = Pick<InboxApi, keyof InboxApi> & { fetch(request: Request): Promise<Response> };

/** A new stub each time: one that failed stays broken. User ids hold no `/`, so the name cannot be mistaken. */
export function inboxStub(env: Env, { tenant, userId }: InboxIdentity): InboxStub {
  const { jurisdiction, locationHint } = placementOf(env, tenant);
  const namespace = jurisdiction === undefined ? env.INBOX : env.INBOX.jurisdiction(jurisdiction);
  const id = namespace.idFromName(`${tenant}/${userId}`);
  return namespace.get(id, locationHint === undefined ? {} : { locationHint });
}

/** A Session's way to the Inboxes of its tenant. */
export function inboxTeller(env: Env, tenant: string): (userId: string, change: InboxChange) => Promise<void> {
  return async (userId, change) => {
    const identity = { tenant, userId };
    await within(TELL_MS_MAX, inboxStub(env, identity).take(identity, [change]));
  };
}
