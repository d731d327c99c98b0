import { describe, expect, it } from 'vitest';
import { traceAppend } from '../../../../shared/core/commands/trace-append.ts';
import { SPAN_UPDATES_MAX, TRACE_SPAN_EVENTS_MAX } from '../../../../shared/core/limits.ts';
import { alice, bob, carol, outcome, run, stateWith } from '../fixtures.ts';

const data = { traceId: 't1', spanId: 'a', name: 'search', startedAt: '2026-01-02T03:04:05.000Z' };
const running = () => stateWith({ traces: [{}] });

describe('trace.append', () => {
  it('makes a span, whose times are in UTC with milliseconds', () => {
    const times = { startedAt: '2026-01-02T05:04:05+02:00', endedAt: '2026-01-02T03:04:05.25Z' };
    expect(run(traceAppend, running(), bob, { ...data, ...times })).toEqual({
      kind: 'accepted',
      entityId: 't1',
      event: {
        type: 'trace.span',
        subject: 't1',
        data: {
          traceId: 't1',
          traceSeq: 2,
          span: { spanId: 'a', name: 'search', startedAt: '2026-01-02T03:04:05.000Z', endedAt: '2026-01-02T03:04:05.250Z' },
        },
      },
    });
  });

  it('carries every field as it came, a parent that has not come and null too', () => {
    const more = {
      parentSpanId: 'later',
      kind: 'tool' as const,
      status: 'ok',
      input: { q: [1, null] },
      output: null,
      metadata: { k: 1 },
    };
    const decision = run(traceAppend, running(), alice, { ...data, ...more });
    expect(decision).toMatchObject({ event: { data: { span: { spanId: 'a', ...more } } } });
  });

  it('says of which span it is more', () => {
    const decision = run(traceAppend, stateWith({ traces: [{}], spans: [{ seq: 7 }] }), bob, data);
    expect(decision).toMatchObject({ kind: 'accepted', event: { data: { traceSeq: 2, spanSeq: 7 } } });
  });

  it('is for members who may write, and not only for who started the trace', () => {
    expect(outcome(run(traceAppend, running(), alice, data))).toBe('accepted');
    expect(outcome(run(traceAppend, running(), carol, data))).toBe('forbidden');
  });

  it('does not find a trace that never was, or was purged', () => {
    expect(outcome(run(traceAppend, stateWith(), bob, data))).toBe('trace_not_found');
    expect(outcome(run(traceAppend, stateWith({ traces: [{ purgedAt: 1 }] }), bob, data))).toBe('trace_not_found');
  });

  it('is a conflict once the trace has finished', () => {
    expect(outcome(run(traceAppend, stateWith({ traces: [{ status: 'completed' }] }), bob, data))).toBe('conflict');
  });

  it('does not end before it starts', () => {
    expect(outcome(run(traceAppend, running(), bob, { ...data, endedAt: '2026-01-02T03:04:04.999Z' }))).toBe('invalid_request');
    expect(outcome(run(traceAppend, running(), bob, { ...data, endedAt: data.startedAt }))).toBe('accepted');
  });

  it('is not its own parent, though its parent may come later', () => {
    expect(outcome(run(traceAppend, running(), bob, { ...data, parentSpanId: data.spanId }))).toBe('invalid_request');
    expect(outcome(run(traceAppend, running(), bob, { ...data, parentSpanId: 'later' }))).toBe('accepted');
  });

  it('is bounded by parts of a span', () => {
    const updatedSeqs = Array.from({ length: SPAN_UPDATES_MAX }, (_, at) => 4 + at);
    expect(outcome(run(traceAppend, stateWith({ traces: [{}], spans: [{ updatedSeqs }] }), bob, data))).toBe('conflict');
    const one = stateWith({ traces: [{}], spans: [{ updatedSeqs: updatedSeqs.slice(1) }] });
    expect(outcome(run(traceAppend, one, bob, data))).toBe('accepted');
  });

  it('is bounded by spans and their further parts', () => {
    const full = stateWith({ traces: [{ spanUpdates: TRACE_SPAN_EVENTS_MAX - 1 }], spans: [{}] });
    expect(outcome(run(traceAppend, full, bob, { ...data, spanId: 'b' }))).toBe('conflict');
    const almost = stateWith({ traces: [{ spanUpdates: TRACE_SPAN_EVENTS_MAX - 2 }], spans: [{}] });
    expect(outcome(run(traceAppend, almost, bob, { ...data, spanId: 'b' }))).toBe('accepted');
  });

  it('is refused where the storage is full', () => {
    const state = running();
    state.storageFull = () => true;
    expect(outcome(run(traceAppend, state, bob, data))).toBe('session_full');
  });

  it('is not allowed while the session is archived', () => {
    expect(traceAppend.whileArchived).toBe(false);
  });
});
