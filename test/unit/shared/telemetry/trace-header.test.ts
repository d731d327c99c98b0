import { expect, it } from 'vitest';
import { readTraces, TRACES_MAX, writeTraces, type TraceMark } from '../../../../shared/telemetry/trace-header.ts';

const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
const mark = (index: number): TraceMark => ({ index, seq: index * 2, traceparent });

it('which trace is of what is read as it was written', () => {
  const marks = [mark(0), mark(7), mark(499)];
  expect(readTraces(writeTraces(marks))).toEqual(marks);
  expect(writeTraces([])).toBeUndefined();
  expect(readTraces(undefined)).toEqual([]);
});

it('as many as fit into a header are told', () => {
  const many = Array.from({ length: 1_000 }, (_none, index) => mark(index));
  const header = writeTraces(many) ?? '';
  expect(header.length).toBeLessThan(8_000);
  expect(readTraces(header)).toEqual(many.slice(0, TRACES_MAX));
  expect(readTraces(`${header},${header}`)).toHaveLength(TRACES_MAX);
});

it('what is no mark is left out', () => {
  const sound = `1.2.${traceparent}`;
  const junk = ['', 'x', '1.2', '-1.2.' + traceparent, '1.x.' + traceparent, '1.2.00-x', '1e99.2.' + traceparent, sound];
  expect(readTraces(junk.join(','))).toEqual([{ index: 1, seq: 2, traceparent }]);
});
