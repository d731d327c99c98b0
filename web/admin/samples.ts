import type { Overview } from '../../client/admin/index.ts';

/** What was seen since the page was opened, for the lines beside the figures of now. */

/** at one look every 2 s a quarter of an hour; then the oldest go */
export const SAMPLES_MAX = 450;

export interface Sample {
  atMs: number;
  /** by consumer */
  lag: Readonly<Record<string, number>>;
  ratePerS: Readonly<Record<string, number>>;
}

export function sampleOf({ at, consumers }: Overview): Sample {
  const known = consumers.items;
  return {
    atMs: Date.parse(at),
    lag: Object.fromEntries(
      known.flatMap(({ name, lag, ackPending = 0 }) => (lag === undefined ? [] : [[name, lag + ackPending]])),
    ),
    ratePerS: Object.fromEntries(known.flatMap(({ name, ratePerS }) => (ratePerS === undefined ? [] : [[name, ratePerS]]))),
  };
}

/** The same look twice is one sample. */
export function withSample(samples: readonly Sample[], sample: Sample): readonly Sample[] {
  return samples.at(-1)?.atMs === sample.atMs ? samples : [...samples, sample].slice(-SAMPLES_MAX);
}

/** One line's points; where nothing was known there is a gap. */
export function lineOf(samples: readonly Sample[], pick: 'lag' | 'ratePerS', name: string): (number | undefined)[] {
  return samples.map((sample) => sample[pick][name]);
}

/** An SVG path over a box of this size, newest at the right edge; '' where there are not two points to join. */
export function pathOf(values: readonly (number | undefined)[], width: number, height: number): string {
  const known = values.filter((value) => value !== undefined);
  if (known.length < 2) return '';
  const top = Math.max(...known, 1);
  const step = width / Math.max(1, values.length - 1);
  let isOn = false;
  return values
    .map((value, index) => {
      if (value === undefined) {
        isOn = false;
        return '';
      }
      const point = `${isOn ? 'L' : 'M'}${round(index * step)} ${round(height - (value / top) * height)}`;
      isOn = true;
      return point;
    })
    .join('');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
