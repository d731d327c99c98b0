import { describe, expect, it } from 'vitest';
import { sessionArchive } from '../../../../shared/core/commands/session-archive.ts';
import { alice, bob, carol, dave, outcome, run, SESSION_ID, stateWith } from '../fixtures.ts';

describe('session.archive', () => {
  it('is accepted where the session is active', () => {
    const state = stateWith({ session: { status: 'active' } });
    expect(run(sessionArchive, state, alice, {})).toEqual({
      kind: 'accepted',
      entityId: SESSION_ID,
      event: { type: 'session.archived', subject: SESSION_ID, data: {} },
    });
  });

  it('is unchanged where it is archived already', () => {
    const state = stateWith({ session: { status: 'archived' } });
    expect(run(sessionArchive, state, alice, {})).toEqual({ kind: 'unchanged', entityId: SESSION_ID });
  });

  it.each([bob, carol])('is forbidden to $id, who is no owner, also where it would change nothing', (actor) => {
    expect(outcome(run(sessionArchive, stateWith({ session: { status: 'active' } }), actor, {}))).toBe('forbidden');
    expect(outcome(run(sessionArchive, stateWith({ session: { status: 'archived' } }), actor, {}))).toBe('forbidden');
  });

  it('is forbidden to a stranger who sees a public session', () => {
    const state = stateWith({ session: { status: 'active', visibility: 'public' } });
    expect(outcome(run(sessionArchive, state, dave, {}))).toBe('forbidden');
  });

  it('is allowed while the session is archived', () => {
    expect(sessionArchive.whileArchived).toBe(true);
  });
});
