import fc from 'fast-check';
import { randomInt } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { STREAM_REORDER_CHUNKS_MAX, TEXT_CODE_POINTS_MAX } from '../../../../shared/core/limits.ts';
import { RunningStream } from '../../../../shared/core/running-stream.ts';
import { streamRecord } from '../streams.ts';

const seed = Number(process.env['FC_SEED'] ?? randomInt(2 ** 31));

/** What the Session does with a chunk that came as a signal. */
function take(stream: RunningStream, index: number, text: string): void {
  if (stream.place(index, text) !== 'next') return;
  stream.append(text);
  for (let early = stream.takeEarly(); early !== undefined; early = stream.takeEarly()) stream.append(early);
}

describe('a running stream', () => {
  it('carries its record, and counts code points', () => {
    const stream = new RunningStream(streamRecord());
    stream.append('🦉');
    stream.append('ab');
    expect(stream).toMatchObject(streamRecord());
    expect([stream.nextIndex, stream.codePoints, stream.chunk(1), stream.chunk(2)]).toEqual([2, 3, 'ab', undefined]);
    expect([stream.textFrom(0), stream.textFrom(1), stream.textFrom(2)]).toEqual(['🦉ab', 'ab', '']);
  });

  it('puts in order what is no further apart than it may be, whatever comes twice', () => {
    const property = fc.property(
      fc.array(fc.string({ minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 200 }),
      fc.array(fc.nat(STREAM_REORDER_CHUNKS_MAX - 1), { minLength: 200, maxLength: 200 }),
      (chunks, jitter) => {
        const order = chunks.map((text, index) => ({ text, index, at: index + (jitter[index] ?? 0) }));
        const stream = new RunningStream(streamRecord());
        for (const { index, text } of order.toSorted((a, b) => a.at - b.at)) {
          take(stream, index, text);
          if (index % 3 === 0) take(stream, index, text);
        }
        expect(stream.textFrom(0)).toBe(chunks.join(''));
        expect(stream.torn).toBe(false);
      },
    );
    fc.assert(property, { seed, numRuns: 200 });
  });

  it('keeps as many early chunks as it may, and with one more none, until commands filled the hole', () => {
    const stream = new RunningStream(streamRecord());
    for (let index = 1; index <= STREAM_REORDER_CHUNKS_MAX; index += 1) expect(stream.place(index, 'x')).toBe('waits');
    expect(stream.place(1, 'again')).toBe('waits');
    expect(stream.torn).toBe(true);
    expect(stream.place(STREAM_REORDER_CHUNKS_MAX + 1, 'x')).toBe('dropped');
    expect(stream.place(STREAM_REORDER_CHUNKS_MAX + 2, 'x')).toBe('dropped');
    stream.append('0');
    expect(stream.takeEarly()).toBeUndefined();
    while (stream.torn) stream.append('c');
    expect(stream.nextIndex).toBe(STREAM_REORDER_CHUNKS_MAX + 3);
    expect(stream.place(stream.nextIndex + 1, 'x')).toBe('waits');
  });

  it('keeps early chunks no larger together than a message may be', () => {
    const most = 2 * TEXT_CODE_POINTS_MAX;
    const stream = new RunningStream(streamRecord());
    expect(stream.place(1, 'x'.repeat(most - 1))).toBe('waits');
    expect(stream.place(2, 'x')).toBe('waits');
    expect(stream.place(3, 'x')).toBe('dropped');
    stream.append('0');
    expect(stream.takeEarly(), 'with one more nothing waits any longer').toBeUndefined();
  });

  it('is torn by a chunk that was of no use, until another of its index came', () => {
    const stream = new RunningStream(streamRecord());
    stream.miss(0);
    expect(stream.torn).toBe(true);
    take(stream, 0, 'a');
    expect(stream.torn).toBe(false);
  });

  it('is torn when it was interrupted, until its sender goes on', () => {
    const stream = new RunningStream(streamRecord());
    stream.append('a');
    stream.interrupt();
    expect(stream.torn).toBe(true);
    stream.append('b');
    expect(stream.torn).toBe(false);
  });
});
