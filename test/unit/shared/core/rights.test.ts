import { describe, expect, it } from 'vitest';
import { MemoryState } from '../../../../shared/core/memory-state.ts';
import { isAutomated, isOwner, mayWrite, readAccess } from '../../../../shared/core/rights.ts';
import { stateWith } from '../fixtures.ts';

describe('readAccess', () => {
  it('finds a private session for its members alone', () => {
    const state = stateWith();
    for (const id of ['alice', 'bob', 'carol'])
      expect(readAccess(state, id)).toMatchObject({ ok: true, access: { member: { userId: id } } });
    expect(readAccess(state, 'dave')).toMatchObject({ ok: false, refusal: { code: 'session_not_found' } });
  });

  it('hides a private session from who left, and a public one keeps them as a stranger', () => {
    expect(readAccess(stateWith({ left: ['bob'] }), 'bob')).toMatchObject({ ok: false, refusal: { code: 'session_not_found' } });
    const found = readAccess(stateWith({ left: ['bob'], session: { visibility: 'public' } }), 'bob');
    expect(found).toMatchObject({ ok: true, access: { member: undefined } });
  });

  it('does not tell a session that never was from one that is private or deleted', () => {
    const never = readAccess(new MemoryState(), 'alice');
    expect(never).toMatchObject({ ok: false, refusal: { code: 'session_not_found' } });
    expect(readAccess(stateWith({ session: { status: 'deleted', visibility: 'public' } }), 'alice')).toEqual(never);
    expect(readAccess(stateWith(), 'dave')).toEqual(never);
  });
});

describe('roles', () => {
  it('owners and members write, viewers and strangers do not', () => {
    const state = stateWith();
    expect(['alice', 'bob', 'carol', 'dave'].map((id) => mayWrite(state.member(id)))).toEqual([true, true, false, false]);
    expect(['alice', 'bob', 'carol', 'dave'].map((id) => isOwner(state.member(id)))).toEqual([true, false, false, false]);
  });

  it('agents and systems are automated, users are not', () => {
    expect((['user', 'agent', 'system'] as const).map((kind) => isAutomated({ id: 'x', kind }))).toEqual([false, true, true]);
  });
});
