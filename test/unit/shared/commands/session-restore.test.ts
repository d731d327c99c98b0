import { describe, expect, it } from 'vitest';
import { sessionRestore } from '../../../../shared/core/commands/session-restore.ts';
import { alice, bob, carol, dave, outcome, run, SESSION_ID, stateWith } from '../fixtures.ts';

describe('session.restore', () => {
  it('is accepted where the session is archived', () => {
    const state = stateWith({ session: { status: 'archived' } });
    expect(run(sessionRestore, state, alice, {})).toEqual({
      kind: 'accepted',
      entityId: SESSION_ID,
      event: { type: 'session.restored', subject: SESSION_ID, data: {} },
    });
  });

  it('is unchanged where it is active already', () => {
    const state = stateWith({ session: { status: 'active' } });
    expect(run(sessionRestore, state, alice, {})).toEqual({ kind: 'unchanged', entityId: SESSION_ID });
  });

  it.each([bob, carol])('is forbidden to $id, who is no owner, also where it would change nothing', (actor) => {
    expect(outcome(run(sessionRestore, stateWith({ session: { status: 'archived' } }), actor, {}))).toBe('forbidden');
    expect(outcome(run(sessionRestore, stateWith({ session: { status: 'active' } }), actor, {}))).toBe('forbidden');
  });

  it('is forbidden to a stranger who sees a public session', () => {
    const state = stateWith({ session: { status: 'archived', visibility: 'public' } });
    expect(outcome(run(sessionRestore, state, dave, {}))).toBe('forbidden');
  });

  it('is allowed while the session is archived', () => {
    expect(sessionRestore.whileArchived).toBe(true);
  });
});
