import { describe, expect, it } from 'vitest';
import { applyMemberAdded } from '../../../../shared/core/events/member.ts';
import { eventOf, NOW_MS, stateWith } from '../fixtures.ts';

const data = { userId: 'dave', role: 'member' as const };

describe('member.added', () => {
  it('knows someone added by another by id alone', () => {
    const state = stateWith();
    applyMemberAdded(state, eventOf('member.added', data, { actor: 'alice', actorname: 'Alice', actorkind: 'system' }));
    expect(state.member('dave')).toEqual({ ...data, active: true, kind: 'user', joinedAt: NOW_MS, readSeq: 0 });
  });

  it('keeps name and kind of who joins', () => {
    const state = stateWith();
    applyMemberAdded(state, eventOf('member.added', data, { actor: 'dave', actorname: 'Dave', actorkind: 'agent' }));
    expect(state.member('dave')).toMatchObject({ name: 'Dave', kind: 'agent' });
  });

  it('brings back who left, with the time of now, where they had read to, and the name they had', () => {
    const state = stateWith();
    state.putMember({ userId: 'dave', role: 'owner', active: false, kind: 'agent', name: 'Dave', joinedAt: 1, readSeq: 7 });
    applyMemberAdded(state, eventOf('member.added', data));
    expect(state.member('dave')).toEqual({ ...data, active: true, kind: 'agent', name: 'Dave', joinedAt: NOW_MS, readSeq: 7 });
  });
});
