import { refusal, type Refusal } from './codes.ts';
import type { SessionView } from './state.ts';
import type { Actor, MemberRecord, SessionRecord } from './types.ts';

/** What an actor finds when it opens a session: the session and its own row in it, if it is a member. */
export interface Access {
  session: SessionRecord;
  member: MemberRecord | undefined;
}

export type AccessResult = { ok: true; access: Access } | { ok: false; refusal: Refusal };

const NOT_FOUND = refusal('session_not_found', 'There is no such session, or you may not see it.');

/** May this actor read? A private session does not exist for a stranger, by any door (contract §2). */
export function readAccess(view: SessionView, actorId: string): AccessResult {
  const session = view.session();
  if (session === undefined || session.status === 'deleted') return { ok: false, refusal: NOT_FOUND };
  const member = view.member(actorId);
  if (member?.active === true) return { ok: true, access: { session, member } };
  if (session.visibility === 'public') return { ok: true, access: { session, member: undefined } };
  return { ok: false, refusal: NOT_FOUND };
}

/** Only who may read learns that writing is forbidden. */
export function forbidden(detail: string): Refusal {
  return refusal('forbidden', detail);
}

export function mayWrite(member: MemberRecord | undefined): boolean {
  return member !== undefined && member.role !== 'viewer';
}

export function isOwner(member: MemberRecord | undefined): boolean {
  return member?.role === 'owner';
}

/** True for actors that may speak under another role or name (contract §1). */
export function isAutomated(actor: Actor): boolean {
  return actor.kind !== 'user';
}
