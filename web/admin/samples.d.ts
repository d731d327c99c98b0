import type { Overview } from '../../client/admin/index.ts';
/** What was seen since the page was opened, for the lines beside the figures of now. */
/** at one look every 2 s a quarter of an hour; then the oldest go */
export declare const SAMPLES_MAX = 450;
export interface Sample {
  atMs: number;
  /** by consumer */
  lag: Readonly<Record<string, number>>;
  ratePerS: Readonly<Record<string, number>>;
}
export declare function sampleOf({ at, consumers }: Overview): Sample;
/** The same look twice is one sample. */
export declare function withSample(samples: readonly Sample[], sample: Sample): readonly Sample[];
/** One line's points; where nothing was known there is a gap. */
export declare function lineOf(samples: readonly Sample[], pick: 'lag' | 'ratePerS', name: string): (number | undefined)[];
/** An SVG path over a box of this size, newest at the right edge; '' where there are not two points to join. */
export declare function pathOf(values: readonly (number | undefined)[], width: number, height: number): string;
