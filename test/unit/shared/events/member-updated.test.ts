import { describe, expect, it } from 'vitest';
import { applyMemberUpdated } from '../../../../shared/core/events/member.ts';
import { eventOf, stateWith } from '../fixtures.ts';

describe('member.updated', () => {
  it('changes the role and nothing else', () => {
    const state = stateWith();
    const before = {
      userId: 'bob',
      role: 'member' as const,
      active: true,
      kind: 'agent' as const,
      name: 'Bob',
      joinedAt: 5,
      readSeq: 7,
    };
    state.putMember(before);
    applyMemberUpdated(state, eventOf('member.updated', { userId: 'bob', role: 'owner' }));
    expect(state.member('bob')).toEqual({ ...before, role: 'owner' });
    expect(state.activeOwners()).toBe(2);
  });
});
