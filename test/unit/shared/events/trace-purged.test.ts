import { describe, expect, it } from 'vitest';
import { applyTracePurged } from '../../../../shared/core/events/trace.ts';
import { eventOf, NOW_MS, stateWith, traceRecord } from '../fixtures.ts';

const data = { id: 't1', traceSeq: 2, finishedSeq: 8, spanSeqs: [3, 5], updatedSeqs: [4] };

describe('trace.purged', () => {
  it('keeps the row without content, so that the id stays taken, and erases what it names', () => {
    const state = stateWith({
      traces: [{ status: 'failed', error: 'secret', finishedSeq: 8, finishedAt: NOW_MS }],
      spans: [{}, { traceSeq: 20, spanId: 'of another trace' }],
    });
    applyTracePurged(state, eventOf('trace.purged', data));
    expect(state.trace('t1')).toEqual(
      traceRecord({ name: '', status: 'failed', metadataBytes: 0, finishedSeq: 8, finishedAt: NOW_MS, purgedAt: NOW_MS }),
    );
    expect([state.spanCount(2), state.spanCount(20)]).toEqual([0, 1]);
    expect([...state.erased].toSorted((a, b) => a - b)).toEqual([2, 3, 4, 5, 8]);
  });

  it('changes nothing where its trace.started was erased', () => {
    const state = stateWith();
    applyTracePurged(state, eventOf('trace.purged', { id: 't1', traceSeq: 2 }));
    expect([state.traces.size, state.erased.size]).toEqual([0, 0]);
  });
});
