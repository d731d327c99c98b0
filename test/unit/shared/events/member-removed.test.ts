import { describe, expect, it } from 'vitest';
import { applyMemberRemoved } from '../../../../shared/core/events/member.ts';
import { eventOf, stateWith } from '../fixtures.ts';

describe('member.removed', () => {
  it('keeps the row, no longer active', () => {
    const state = stateWith({ members: { alice: 'owner', bob: 'owner' } });
    const before = state.member('bob');
    applyMemberRemoved(state, eventOf('member.removed', { userId: 'bob', role: 'owner' }));
    expect(state.member('bob')).toEqual({ ...before, active: false });
    expect(state.activeMembers()).toBe(1);
    expect(state.activeOwners()).toBe(1);
  });
});
