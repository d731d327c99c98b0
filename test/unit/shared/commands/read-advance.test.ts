import { describe, expect, it } from 'vitest';
import { readAdvance } from '../../../../shared/core/commands/read-advance.ts';
import { bob, carol, dave, outcome, run, stateWith } from '../fixtures.ts';

describe('read.advance', () => {
  it('is noted for members and viewers', () => {
    const state = stateWith({ head: 9 });
    const decision = run(readAdvance, state, bob, { seq: 7 });
    expect(decision).toEqual({ kind: 'noted', entityId: 'bob', note: { kind: 'read', userId: 'bob', seq: 7 } });
    expect(outcome(run(readAdvance, state, carol, { seq: 9 }))).toBe('noted');
  });

  it('moves forward only', () => {
    const state = stateWith({ head: 9 });
    state.putMember({ userId: 'bob', role: 'member', active: true, kind: 'user', joinedAt: 0, readSeq: 7 });
    expect(outcome(run(readAdvance, state, bob, { seq: 7 }))).toBe('unchanged');
    expect(outcome(run(readAdvance, state, bob, { seq: 3 }))).toBe('unchanged');
    expect(outcome(run(readAdvance, state, bob, { seq: 8 }))).toBe('noted');
  });

  it('does not read the future', () => {
    expect(outcome(run(readAdvance, stateWith({ head: 9 }), bob, { seq: 10 }))).toBe('invalid_request');
  });

  it('is forbidden to who only watches a public session', () => {
    const state = stateWith({ session: { visibility: 'public' }, head: 9 });
    expect(outcome(run(readAdvance, state, dave, { seq: 1 }))).toBe('forbidden');
  });

  it('is allowed while the session is archived', () => {
    expect(readAdvance.whileArchived).toBe(true);
  });
});
