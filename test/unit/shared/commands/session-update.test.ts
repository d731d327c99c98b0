import { describe, expect, it } from 'vitest';
import { sessionUpdate } from '../../../../shared/core/commands/session-update.ts';
import { alice, bob, carol, dave, outcome, run, SESSION_ID, stateWith } from '../fixtures.ts';

describe('session.update', () => {
  it('writes the whole of the fields, changed and unchanged', () => {
    expect(run(sessionUpdate, stateWith(), alice, { title: 'Pier' })).toEqual({
      kind: 'accepted',
      entityId: SESSION_ID,
      event: {
        type: 'session.updated',
        subject: SESSION_ID,
        data: { title: 'Pier', description: 'tides', visibility: 'private', metadata: { depth: 3 } },
      },
    });
  });

  it('replaces metadata rather than merging it, and can empty a description', () => {
    const decision = run(sessionUpdate, stateWith(), alice, { metadata: { wind: 'SW' }, description: '' });
    expect(decision).toMatchObject({ event: { data: { title: 'Harbour', description: '', metadata: { wind: 'SW' } } } });
    expect(decision.kind === 'accepted' && decision.event.data).not.toHaveProperty('metadata.depth');
  });

  it.each([{}, { title: 'Harbour' }, { metadata: { depth: 3 } }])('is unchanged by %j', (data) => {
    expect(run(sessionUpdate, stateWith(), alice, data)).toEqual({ kind: 'unchanged', entityId: SESSION_ID });
  });

  it('does not take another order of metadata keys for a change', () => {
    const state = stateWith({ session: { metadata: { a: 1, b: { c: 2, d: 3 } } } });
    expect(outcome(run(sessionUpdate, state, alice, { metadata: { b: { d: 3, c: 2 }, a: 1 } }))).toBe('unchanged');
  });

  it.each([bob, carol])('is forbidden to $id, who is no owner', (actor) => {
    expect(outcome(run(sessionUpdate, stateWith(), actor, { title: 'Pier' }))).toBe('forbidden');
  });

  it('is forbidden to a stranger who sees a public session, even where it would change nothing', () => {
    const state = stateWith({ session: { visibility: 'public' } });
    expect(outcome(run(sessionUpdate, state, dave, {}))).toBe('forbidden');
  });
});
