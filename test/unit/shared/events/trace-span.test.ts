import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyTraceSpan } from '../../../../shared/core/events/trace.ts';
import { mergeSpan, type SpanData } from '../../../../shared/core/trace.ts';
import { eventOf, NOW_TIME, stateWith } from '../fixtures.ts';

const first: SpanData = { spanId: 'a', name: 'search', startedAt: NOW_TIME, input: { q: 1 } };
const spanEvent = (span: SpanData, seq: number, spanSeq?: number) =>
  eventOf(
    'trace.span',
    { traceId: 't1', traceSeq: 2, span, ...(spanSeq === undefined ? {} : { spanSeq }) },
    { seq, subject: 't1' },
  );

describe('trace.span', () => {
  it('makes a row that says where each field is', () => {
    const state = stateWith({ traces: [{}] });
    applyTraceSpan(state, spanEvent(first, 9));
    expect(state.span(2, 'a')).toEqual({
      traceSeq: 2,
      spanId: 'a',
      seq: 9,
      ordinal: 1,
      parts: [{ seq: 9, fields: ['name', 'startedAt', 'input'], bytes: JSON.stringify(first).length }],
      updatedSeqs: [],
    });
    applyTraceSpan(state, spanEvent({ ...first, spanId: 'b' }, 10));
    expect([state.span(2, 'b')?.ordinal, state.spanCount(2), state.trace('t1')?.spanUpdates]).toEqual([2, 2, 0]);
  });

  it('keeps of earlier parts only what no later one has', () => {
    const state = stateWith({ traces: [{}] });
    applyTraceSpan(state, spanEvent(first, 9));
    applyTraceSpan(state, spanEvent({ spanId: 'a', name: 'search', startedAt: NOW_TIME, output: 'x' }, 11, 9));
    const span = state.span(2, 'a');
    expect(span?.parts.map(({ seq, fields }) => [seq, fields])).toEqual([
      [9, ['input']],
      [11, ['name', 'startedAt', 'output']],
    ]);
    applyTraceSpan(state, spanEvent(first, 12, 9));
    expect(state.span(2, 'a')?.parts.map(({ seq }) => seq)).toEqual([11, 12]);
    expect([state.span(2, 'a')?.seq, state.span(2, 'a')?.updatedSeqs, state.trace('t1')?.spanUpdates]).toEqual([9, [11, 12], 2]);
  });

  it('gives the whole span by its parts, however it came', () => {
    const field = fc.option(fc.integer({ min: 0, max: 9 }), { nil: undefined });
    const part = fc.record({ status: field, endedAt: field, input: field, output: field, metadata: field });
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 12 }), (fields) => {
        const state = stateWith({ traces: [{}] });
        const spans = fields.map((each, index): SpanData => {
          const given = Object.entries(each).filter(([, value]) => value !== undefined);
          // of the fields only where they come from matters here, not what they are
          return { spanId: 'a', name: `n${index}`, startedAt: NOW_TIME, ...Object.fromEntries(given) };
        });
        spans.forEach((span, index) => applyTraceSpan(state, spanEvent(span, 10 + index)));
        const parts = state.span(2, 'a')?.parts ?? [];
        expect(mergeSpan(parts.map(({ seq }) => spans[seq - 10] as SpanData))).toEqual(mergeSpan(spans));
        expect(parts.map(({ seq }) => seq)).toEqual(parts.map(({ seq }) => seq).toSorted((a, b) => a - b));
        const all = parts.flatMap((each) => each.fields);
        expect(new Set(all).size).toBe(all.length);
      }),
    );
  });

  it('changes nothing in a trace that was purged, or whose start was erased', () => {
    for (const state of [stateWith(), stateWith({ traces: [{ purgedAt: 1 }] })]) {
      applyTraceSpan(state, spanEvent(first, 9));
      expect(state.spans.size).toBe(0);
    }
  });
});
