import { describe, expect, it } from 'vitest';
import { applyTraceFinished } from '../../../../shared/core/events/trace.ts';
import { eventOf, NOW_MS, stateWith, traceRecord } from '../fixtures.ts';

const data = { id: 't1', traceSeq: 2, status: 'failed' as const, error: 'no net', durationMs: 500 };

describe('trace.finished', () => {
  it('ends the trace, and says where', () => {
    const state = stateWith({ traces: [{}] });
    applyTraceFinished(state, eventOf('trace.finished', data, { seq: 9 }));
    expect(state.trace('t1')).toEqual({
      ...traceRecord(),
      status: 'failed',
      error: 'no net',
      finishedSeq: 9,
      finishedAt: NOW_MS,
    });
  });

  it('changes nothing where there is no such trace any more', () => {
    const state = stateWith({ traces: [{ purgedAt: 1 }] });
    applyTraceFinished(state, eventOf('trace.finished', data));
    expect(state.trace('t1')).toEqual(traceRecord({ purgedAt: 1 }));
    const empty = stateWith();
    applyTraceFinished(empty, eventOf('trace.finished', data));
    expect(empty.traces.size).toBe(0);
  });
});
