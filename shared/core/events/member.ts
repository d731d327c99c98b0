import type { SessionState } from '../state.ts';
import type { MemberRecord, WholeEventOf } from '../types.ts';

type MemberEvent = WholeEventOf<'member.added' | 'member.updated' | 'member.removed'>;

export function applyMemberAdded(state: SessionState, event: WholeEventOf<'member.added'>): void {
  put(state, event, { active: true, joinedAt: Date.parse(event.time) });
}

export function applyMemberUpdated(state: SessionState, event: WholeEventOf<'member.updated'>): void {
  put(state, event, { active: true });
}

export function applyMemberRemoved(state: SessionState, event: WholeEventOf<'member.removed'>): void {
  put(state, event, { active: false });
}

function put(state: SessionState, event: MemberEvent, change: Partial<MemberRecord>): void {
  const { userId, role } = event.data;
  const before = state.member(userId);
  const itself = userId === event.actor;
  const name = itself ? event.actorname : before?.name;
  state.putMember({
    userId,
    role,
    active: true,
    kind: itself ? event.actorkind : (before?.kind ?? 'user'),
    joinedAt: before?.joinedAt ?? Date.parse(event.time),
    readSeq: before?.readSeq ?? 0,
    ...change,
    ...(name === undefined ? {} : { name }),
  });
}
