import { describe, expect, it } from 'vitest';
import { traceFinish } from '../../../../shared/core/commands/trace-finish.ts';
import { alice, bob, carol, NOW_MS, outcome, run, stateWith } from '../fixtures.ts';

const data = { traceId: 't1', status: 'completed' as const };

describe('trace.finish', () => {
  it('says how long the trace took', () => {
    expect(run(traceFinish, stateWith({ traces: [{ startedAt: NOW_MS - 1_234 }] }), bob, data)).toEqual({
      kind: 'accepted',
      entityId: 't1',
      event: {
        type: 'trace.finished',
        subject: 't1',
        data: { id: 't1', traceSeq: 2, status: 'completed', durationMs: 1_234 },
      },
    });
  });

  it('says what went wrong, and takes no less than no time where the clock went back', () => {
    const failed = { ...data, status: 'failed' as const, error: 'no net' };
    const decision = run(traceFinish, stateWith({ traces: [{ startedAt: NOW_MS + 5 }] }), alice, failed);
    expect(decision).toMatchObject({ event: { data: { status: 'failed', error: 'no net', durationMs: 0 } } });
  });

  it('is unchanged when it says the same again, and else a conflict', () => {
    const state = stateWith({ traces: [{ status: 'failed', error: 'no net' }] });
    expect(run(traceFinish, state, bob, { ...data, status: 'failed', error: 'no net' })).toEqual({
      kind: 'unchanged',
      entityId: 't1',
    });
    expect(outcome(run(traceFinish, state, bob, { ...data, status: 'failed' }))).toBe('conflict');
    expect(outcome(run(traceFinish, state, bob, data))).toBe('conflict');
  });

  it('is for members who may write', () => {
    expect(outcome(run(traceFinish, stateWith({ traces: [{}] }), carol, data))).toBe('forbidden');
  });

  it('does not find a trace that never was, or was purged', () => {
    expect(outcome(run(traceFinish, stateWith(), bob, data))).toBe('trace_not_found');
    expect(outcome(run(traceFinish, stateWith({ traces: [{ purgedAt: 1 }] }), bob, data))).toBe('trace_not_found');
  });

  it('is allowed while the session is archived', () => {
    expect(traceFinish.whileArchived).toBe(true);
  });
});
