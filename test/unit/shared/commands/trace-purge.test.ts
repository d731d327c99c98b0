import { describe, expect, it } from 'vitest';
import { tracePurge } from '../../../../shared/core/commands/trace-purge.ts';
import { EVENT_BYTES_MAX, SEQ_MAX, TRACE_SPAN_EVENTS_MAX } from '../../../../shared/core/limits.ts';
import { utf8Bytes } from '../../../../shared/core/text.ts';
import { alice, bob, outcome, run, stateWith } from '../fixtures.ts';

const data = { traceId: 't1' };

describe('trace.purge', () => {
  it('erases a trace that has nothing but its start', () => {
    expect(run(tracePurge, stateWith({ traces: [{}] }), alice, data)).toEqual({
      kind: 'accepted',
      entityId: 't1',
      event: { type: 'trace.purged', subject: 't1', data: { id: 't1', traceSeq: 2 } },
    });
  });

  it('names every event that it erases', () => {
    const state = stateWith({
      traces: [{ status: 'completed', finishedSeq: 9 }],
      spans: [
        { updatedSeqs: [5, 8] },
        { spanId: 'b', seq: 4, updatedSeqs: [6] },
        { traceSeq: 20, spanId: 'of another trace', seq: 21 },
      ],
    });
    expect(run(tracePurge, state, alice, data)).toMatchObject({
      event: { data: { traceSeq: 2, finishedSeq: 9, spanSeqs: [3, 4], updatedSeqs: [5, 6, 8] } },
    });
  });

  it('fits into an event at the bound on spans, with the longest seqs', () => {
    const highest = (count: number, below: number) => Array.from({ length: count }, (_, at) => below - 2 * (count - at));
    const spans = highest(TRACE_SPAN_EVENTS_MAX / 2, SEQ_MAX).map((seq, at) => ({
      spanId: `s${at}`,
      seq,
      ordinal: at + 1,
      updatedSeqs: [seq + 1],
    }));
    const decision = run(tracePurge, stateWith({ traces: [{}], spans }), alice, data);
    const bytes = utf8Bytes(JSON.stringify(decision));
    expect(bytes).toBeGreaterThan(TRACE_SPAN_EVENTS_MAX * 11);
    expect(bytes).toBeLessThan(EVENT_BYTES_MAX / 2);
  });

  it('is for owners, and not for who started the trace', () => {
    expect(outcome(run(tracePurge, stateWith({ traces: [{ author: 'bob' }] }), bob, data))).toBe('forbidden');
  });

  it('is unchanged the second time', () => {
    expect(run(tracePurge, stateWith({ traces: [{ purgedAt: 1 }] }), alice, data)).toEqual({ kind: 'unchanged', entityId: 't1' });
  });

  it('does not find a trace that never was', () => {
    expect(outcome(run(tracePurge, stateWith(), alice, data))).toBe('trace_not_found');
  });

  it('is allowed while the session is archived', () => {
    expect(tracePurge.whileArchived).toBe(true);
  });
});
