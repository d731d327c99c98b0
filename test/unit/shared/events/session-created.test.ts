import { describe, expect, it } from 'vitest';
import { applySessionCreated } from '../../../../shared/core/events/session.ts';
import { MemoryState } from '../../../../shared/core/memory-state.ts';
import { eventOf, NOW_MS, SESSION_ID } from '../fixtures.ts';

const data = {
  title: 'Harbour',
  description: 'tides',
  visibility: 'public' as const,
  metadata: { depth: 3 },
  members: [
    { userId: 'alice', role: 'owner' as const },
    { userId: 'carol', role: 'viewer' as const },
  ],
};

describe('session.created', () => {
  it('writes the session and every member', () => {
    const state = new MemoryState();
    applySessionCreated(state, eventOf('session.created', data, { actorname: 'Alice', actorkind: 'agent' }));
    const { members: _members, ...fields } = data;
    expect(state.session()).toEqual({ id: SESSION_ID, ...fields, status: 'active', createdAt: NOW_MS, updatedAt: NOW_MS });
    const row = { active: true, joinedAt: NOW_MS, readSeq: 0 };
    expect([...state.members.values()]).toEqual([
      { userId: 'alice', role: 'owner', kind: 'agent', name: 'Alice', ...row },
      { userId: 'carol', role: 'viewer', kind: 'user', ...row },
    ]);
    expect(state.activeOwners()).toBe(1);
    expect(state.activeMembers()).toBe(2);
  });
});
