import type { SessionState } from '../state.ts';
import type { SessionRecord, WholeEventOf } from '../types.ts';

export function applySessionCreated(state: SessionState, event: WholeEventOf<'session.created'>): void {
  const at = Date.parse(event.time);
  const { title, description, visibility, metadata, members } = event.data;
  state.putSession({
    id: event.sessionid,
    title,
    description,
    visibility,
    metadata,
    status: 'active',
    createdAt: at,
    updatedAt: at,
  });
  for (const { userId, role } of members) {
    const itself = userId === event.actor;
    state.putMember({
      userId,
      role,
      active: true,
      kind: itself ? event.actorkind : 'user',
      ...(itself && event.actorname !== undefined ? { name: event.actorname } : {}),
      joinedAt: at,
      readSeq: 0,
    });
  }
}

export function applySessionUpdated(state: SessionState, event: WholeEventOf<'session.updated'>): void {
  patch(state, event.time, event.data);
}

export function applySessionArchived(state: SessionState, event: WholeEventOf<'session.archived'>): void {
  patch(state, event.time, { status: 'archived' });
}

export function applySessionRestored(state: SessionState, event: WholeEventOf<'session.restored'>): void {
  patch(state, event.time, { status: 'active' });
}

/** Erases everything but itself; the record stays, so that the id is never used again. */
export function applySessionDeleted(state: SessionState, event: WholeEventOf<'session.deleted'>): void {
  patch(state, event.time, { status: 'deleted', title: '', description: '', metadata: {} });
  state.eraseAllBelow(event.seq);
}

function patch(state: SessionState, time: string, change: Partial<SessionRecord>): void {
  const session = state.session();
  if (session === undefined) return;
  state.putSession({ ...session, ...change, updatedAt: Date.parse(time) });
}
