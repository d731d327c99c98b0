import { describe, expect, it } from 'vitest';
import type { Overview } from '../../../../client/admin/index.ts';
import { lineOf, pathOf, sampleOf, SAMPLES_MAX, withSample, type Sample } from '../../../../web/admin/samples.ts';
import { anOverview } from './overviews.ts';

const at = (atMs: number, lag: Record<string, number> = {}): Sample => ({ atMs, lag, ratePerS: {} });

describe('samples of an overview', () => {
  it('hold what is known of each consumer: waiting and in hand together are its lag', () => {
    const overview: Overview = anOverview({
      consumers: [
        { name: 'history', status: 'up', lag: 3, ackPending: 2, ratePerS: 1.5 },
        { name: 'search', status: 'down' },
      ],
    });
    expect(sampleOf(overview)).toEqual({ atMs: Date.parse(overview.at), lag: { history: 5 }, ratePerS: { history: 1.5 } });
  });

  it('are kept up to a bound, and each once', () => {
    let samples: readonly Sample[] = [];
    for (let atMs = 0; atMs < SAMPLES_MAX + 10; atMs += 1) samples = withSample(withSample(samples, at(atMs)), at(atMs));
    expect([samples.length, samples[0]?.atMs, samples.at(-1)?.atMs]).toEqual([SAMPLES_MAX, 10, SAMPLES_MAX + 9]);
  });

  it('become a line with gaps where nothing was known', () => {
    const values = lineOf([at(1, { a: 0 }), at(2, { a: 10 }), at(3), at(4, { a: 5 }), at(5, { a: 10 })], 'lag', 'a');
    expect(values).toEqual([0, 10, undefined, 5, 10]);
    expect(pathOf(values, 40, 10)).toBe('M0 10L10 0M30 5L40 0');
  });

  it('of one look make no line', () => expect([pathOf([], 40, 10), pathOf([1, undefined], 40, 10)]).toEqual(['', '']));
});
