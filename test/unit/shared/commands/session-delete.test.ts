import { describe, expect, it } from 'vitest';
import { sessionDelete } from '../../../../shared/core/commands/session-delete.ts';
import { alice, bob, carol, dave, outcome, run, SESSION_ID, stateWith } from '../fixtures.ts';

describe('session.delete', () => {
  it.each(['active', 'archived'] as const)('is accepted where the session is %s', (status) => {
    expect(run(sessionDelete, stateWith({ session: { status } }), alice, {})).toEqual({
      kind: 'accepted',
      entityId: SESSION_ID,
      event: { type: 'session.deleted', subject: SESSION_ID, data: {} },
    });
    expect(sessionDelete.whileArchived).toBe(true);
  });

  it.each([bob, carol])('is forbidden to $id, who is no owner', (actor) => {
    expect(outcome(run(sessionDelete, stateWith(), actor, {}))).toBe('forbidden');
  });

  it('is forbidden to a stranger who sees a public session', () => {
    expect(outcome(run(sessionDelete, stateWith({ session: { visibility: 'public' } }), dave, {}))).toBe('forbidden');
  });
});
