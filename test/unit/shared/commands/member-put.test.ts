import { describe, expect, it } from 'vitest';
import { memberPut } from '../../../../shared/core/commands/member-put.ts';
import { SESSION_MEMBERS_MAX } from '../../../../shared/core/limits.ts';
import { MemoryState } from '../../../../shared/core/memory-state.ts';
import { alice, bob, carol, dave, outcome, run, sessionRecord, stateWith } from '../fixtures.ts';

const publicState = (): MemoryState => stateWith({ session: { visibility: 'public' } });

describe('member.put', () => {
  it.each(['owner', 'member', 'viewer'] as const)('adds someone as %s', (role) => {
    const data = { userId: 'dave', role };
    expect(run(memberPut, stateWith(), alice, data)).toEqual({
      kind: 'accepted',
      entityId: 'dave',
      event: { type: 'member.added', subject: 'dave', data },
    });
  });

  it('adds again who left', () => {
    const decision = run(memberPut, stateWith({ left: ['bob'] }), alice, { userId: 'bob', role: 'member' });
    expect(decision).toMatchObject({ kind: 'accepted', event: { type: 'member.added' } });
  });

  it('changes the role of a member', () => {
    const data = { userId: 'bob', role: 'viewer' as const };
    expect(run(memberPut, stateWith(), alice, data)).toEqual({
      kind: 'accepted',
      entityId: 'bob',
      event: { type: 'member.updated', subject: 'bob', data },
    });
  });

  it('is unchanged by the same role', () => {
    expect(run(memberPut, stateWith(), alice, { userId: 'bob', role: 'member' })).toEqual({ kind: 'unchanged', entityId: 'bob' });
    expect(outcome(run(memberPut, stateWith(), alice, { userId: 'alice', role: 'owner' }))).toBe('unchanged');
  });

  it.each(['member', 'viewer'] as const)('lets a stranger join a public session as %s, and step to it', (role) => {
    expect(outcome(run(memberPut, publicState(), dave, { userId: 'dave', role }))).toBe('accepted');
    expect(
      outcome(
        run(memberPut, publicState(), role === 'member' ? carol : bob, { userId: role === 'member' ? 'carol' : 'bob', role }),
      ),
    ).toBe('accepted');
  });

  it('forbids joining a public session as owner, or bringing another', () => {
    expect(outcome(run(memberPut, publicState(), dave, { userId: 'dave', role: 'owner' }))).toBe('forbidden');
    expect(outcome(run(memberPut, publicState(), dave, { userId: 'erin', role: 'member' }))).toBe('forbidden');
    expect(outcome(run(memberPut, publicState(), bob, { userId: 'bob', role: 'owner' }))).toBe('forbidden');
  });

  it.each([bob, carol])('forbids $id, who is no owner, every role in a private session, also their own', (actor) => {
    expect(outcome(run(memberPut, stateWith(), actor, { userId: actor.id, role: 'viewer' }))).toBe('forbidden');
    expect(outcome(run(memberPut, stateWith(), actor, { userId: 'dave', role: 'member' }))).toBe('forbidden');
  });

  it('keeps the last owner', () => {
    expect(outcome(run(memberPut, stateWith(), alice, { userId: 'alice', role: 'member' }))).toBe('last_owner');
    expect(outcome(run(memberPut, publicState(), alice, { userId: 'alice', role: 'viewer' }))).toBe('last_owner');
  });

  it('does not count an owner who left', () => {
    const state = stateWith({ members: { alice: 'owner', bob: 'owner' }, left: ['bob'] });
    expect(outcome(run(memberPut, state, alice, { userId: 'alice', role: 'member' }))).toBe('last_owner');
  });

  it('demotes an owner, oneself included, while another is left', () => {
    const state = stateWith({ members: { alice: 'owner', bob: 'owner' } });
    expect(outcome(run(memberPut, state, alice, { userId: 'alice', role: 'viewer' }))).toBe('accepted');
    expect(outcome(run(memberPut, state, alice, { userId: 'bob', role: 'viewer' }))).toBe('accepted');
  });

  it('takes no more members than its bound, but still changes roles', () => {
    class FullState extends MemoryState {
      override activeMembers(): number {
        return SESSION_MEMBERS_MAX;
      }
    }
    const state = new FullState();
    state.putSession(sessionRecord());
    state.putMember({ userId: 'alice', role: 'owner', active: true, kind: 'user', joinedAt: 0, readSeq: 0 });
    state.putMember({ userId: 'bob', role: 'member', active: true, kind: 'user', joinedAt: 0, readSeq: 0 });
    expect(outcome(run(memberPut, state, alice, { userId: 'dave', role: 'member' }))).toBe('session_full');
    expect(outcome(run(memberPut, state, alice, { userId: 'bob', role: 'owner' }))).toBe('accepted');
  });
});
