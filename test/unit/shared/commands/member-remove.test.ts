import { describe, expect, it } from 'vitest';
import { memberRemove } from '../../../../shared/core/commands/member-remove.ts';
import { alice, bob, carol, dave, outcome, run, stateWith } from '../fixtures.ts';

describe('member.remove', () => {
  it('removes a member, and says with which role they went', () => {
    expect(run(memberRemove, stateWith(), alice, { userId: 'carol' })).toEqual({
      kind: 'accepted',
      entityId: 'carol',
      event: { type: 'member.removed', subject: 'carol', data: { userId: 'carol', role: 'viewer' } },
    });
  });

  it.each([bob, carol])('lets $id leave', (actor) => {
    expect(outcome(run(memberRemove, stateWith(), actor, { userId: actor.id }))).toBe('accepted');
  });

  it.each([bob, carol])('forbids $id, who is no owner, to remove another, member or not', (actor) => {
    expect(outcome(run(memberRemove, stateWith(), actor, { userId: 'alice' }))).toBe('forbidden');
    expect(outcome(run(memberRemove, stateWith(), actor, { userId: 'nobody' }))).toBe('forbidden');
  });

  it('does not find who is no member, or left', () => {
    expect(outcome(run(memberRemove, stateWith(), alice, { userId: 'dave' }))).toBe('member_not_found');
    expect(outcome(run(memberRemove, stateWith({ left: ['bob'] }), alice, { userId: 'bob' }))).toBe('member_not_found');
    expect(outcome(run(memberRemove, stateWith({ session: { visibility: 'public' } }), dave, { userId: 'dave' }))).toBe(
      'member_not_found',
    );
  });

  it('keeps the last owner, and lets an owner go while another is left', () => {
    expect(outcome(run(memberRemove, stateWith(), alice, { userId: 'alice' }))).toBe('last_owner');
    const two = stateWith({ members: { alice: 'owner', bob: 'owner' } });
    expect(outcome(run(memberRemove, two, alice, { userId: 'alice' }))).toBe('accepted');
    expect(outcome(run(memberRemove, two, alice, { userId: 'bob' }))).toBe('accepted');
  });

  it('is allowed while the session is archived', () => {
    expect(memberRemove.whileArchived).toBe(true);
  });
});
