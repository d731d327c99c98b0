import { describe, expect, it } from 'vitest';
import { traceStart } from '../../../../shared/core/commands/trace-start.ts';
import { bob, carol, outcome, run, stateWith } from '../fixtures.ts';

describe('trace.start', () => {
  it('makes a trace, with an id made for it', () => {
    expect(run(traceStart, stateWith(), bob, { name: 'plan' })).toEqual({
      kind: 'accepted',
      entityId: 'made-id',
      event: { type: 'trace.started', subject: 'made-id', data: { id: 'made-id', name: 'plan', metadata: {} } },
    });
  });

  it('carries every field', () => {
    const data = { id: 't7', name: 'plan', metadata: { model: 'x' } };
    expect(run(traceStart, stateWith(), bob, data)).toMatchObject({ entityId: 't7', event: { subject: 't7', data } });
  });

  it('is a conflict with a trace that is, has finished or was purged, and with no message', () => {
    for (const trace of [{}, { status: 'failed' as const }, { purgedAt: 1 }]) {
      expect(outcome(run(traceStart, stateWith({ traces: [trace] }), bob, { id: 't1', name: 'plan' }))).toBe('conflict');
    }
    expect(outcome(run(traceStart, stateWith({ messages: [{ id: 't1' }] }), bob, { id: 't1', name: 'plan' }))).toBe('accepted');
  });

  it('is for members who may write', () => {
    expect(outcome(run(traceStart, stateWith(), carol, { name: 'plan' }))).toBe('forbidden');
  });

  it('is refused where the storage is full', () => {
    const state = stateWith();
    state.storageFull = () => true;
    expect(outcome(run(traceStart, state, bob, { name: 'plan' }))).toBe('session_full');
  });

  it('is not allowed while the session is archived', () => {
    expect(traceStart.whileArchived).toBe(false);
  });
});
