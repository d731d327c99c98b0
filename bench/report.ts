import type { JobResult } from './load/job.ts';
import { median, ratio } from './stats.ts';

/** One line of the table: a figure of each contestant. */
interface Row {
  /** what it is called in the raw figures */
  key: string;
  label: string;
  decimals: number;
  of: (result: JobResult) => number | undefined;
}

/** the fixed rates at which messages are sent, and from the send to each socket's receipt is measured */
export const FANOUT_RATES = [20, 100] as const;

const ROWS: readonly Row[] = [
  { key: 'acceptAlone.p50', label: 'accept, socket, nobody watching: p50 ms', decimals: 2, of: (each) => each.acceptAlone?.p50 },
  { key: 'acceptAlone.p99', label: '                                 p99 ms', decimals: 2, of: (each) => each.acceptAlone?.p99 },
  {
    key: 'acceptWatched.p50',
    label: 'accept, socket, all watching:    p50 ms',
    decimals: 2,
    of: (each) => each.acceptWatched?.p50,
  },
  {
    key: 'acceptWatched.p99',
    label: '                                 p99 ms',
    decimals: 2,
    of: (each) => each.acceptWatched?.p99,
  },
  { key: 'acceptHttp.p50', label: 'accept, HTTP, all watching:      p50 ms', decimals: 2, of: (each) => each.acceptHttp?.p50 },
  { key: 'acceptHttp.p99', label: '                                 p99 ms', decimals: 2, of: (each) => each.acceptHttp?.p99 },
  ...FANOUT_RATES.flatMap((perS, at): Row[] => [
    {
      key: `fanout${perS}.p50`,
      label: `to each socket, ${perS} messages/s: p50 ms`,
      decimals: 2,
      of: (each) => each.fanouts[at]?.p50,
    },
    {
      key: `fanout${perS}.p99`,
      label: '                                 p99 ms',
      decimals: 2,
      of: (each) => each.fanouts[at]?.p99,
    },
  ]),
  { key: 'deliveriesPerS', label: 'deliveries/s', decimals: 0, of: (each) => each.throughput.deliveriesPerS },
  { key: 'messagesPerS', label: 'messages/s', decimals: 0, of: (each) => each.throughput.messagesPerS },
  { key: 'messagesPerFrame', label: 'messages per frame', decimals: 1, of: (each) => each.throughput.messagesPerFrame },
  { key: 'bytesPerDelivery', label: 'bytes per delivery', decimals: 0, of: (each) => each.throughput.bytesPerDelivery },
  {
    key: 'edgeCpuUsPerDelivery',
    label: 'CPU µs per delivery, what fans out',
    decimals: 2,
    of: (each) => each.throughput.edgeCpuUsPerDelivery,
  },
  {
    key: 'allCpuUsPerDelivery',
    label: 'CPU µs per delivery, all parts',
    decimals: 2,
    of: (each) => each.throughput.allCpuUsPerDelivery,
  },
  { key: 'edgeCores', label: 'cores busy: what fans out', decimals: 2, of: (each) => each.throughput.edgeCores },
  { key: 'allCores', label: '            all parts', decimals: 2, of: (each) => each.throughput.allCores },
  { key: 'clientCores', label: '            load generator', decimals: 2, of: (each) => each.throughput.clientCores },
  { key: 'otherCores', label: '            everything else here', decimals: 2, of: (each) => each.throughput.otherCores },
];

export interface ContestantResults {
  name: string;
  /** one per round */
  rounds: JobResult[];
}

export type Figures = {
  key: string;
  /** medians */
  values: (number | undefined)[];
  least: (number | undefined)[];
  most: (number | undefined)[];
  ratios: (number | undefined)[];
}[];

/** Medians over the rounds; ratios are to the first contestant. */
export function figures(results: readonly ContestantResults[]): Figures {
  return ROWS.map((row) => {
    const samples = results.map((each) => each.rounds.map(row.of).filter((value) => value !== undefined));
    const over = (of: (some: number[]) => number) => samples.map((some) => (some.length === 0 ? undefined : of(some)));
    const values = over(median);
    return {
      key: row.key,
      values,
      least: over((some) => Math.min(...some)),
      most: over((some) => Math.max(...some)),
      ratios: values.map((value) => ratio(value, values[0])),
    };
  });
}

/** The median of one figure of one contestant; undefined where it was not measured. */
export function figureOf(results: readonly ContestantResults[], name: string, key: string): number | undefined {
  const column = results.findIndex((each) => each.name === name);
  return column === -1 ? undefined : figures(results).find((each) => each.key === key)?.values[column];
}

/** The table: a column per contestant, each figure followed by its multiple of the first contestant's. */
export function table(results: readonly ContestantResults[]): string {
  const body = figures(results).flatMap(({ values, ratios, least, most }, index) => {
    const row = ROWS[index] as Row;
    if (values.every((value) => value === undefined)) return [];
    const cells = values.map((value, column) =>
      cell(value, [least[column], most[column]], column === 0 ? undefined : ratios[column], row.decimals),
    );
    return [[row.label, ...cells]];
  });
  const lines = [['', ...results.map((each) => each.name)], ...body];
  const widths = (lines[0] as string[]).map((_, column) => Math.max(...lines.map((line) => (line[column] as string).length)));
  const format = (line: string[]): string =>
    line
      .map((text, column) => (column === 0 ? text.padEnd(widths[0] as number) : text.padStart(widths[column] as number)))
      .join('  ')
      .trimEnd();
  return lines.map(format).join('\n');
}

/** The median, the least and the most in parentheses, and the multiple of the first column. */
function cell(
  value: number | undefined,
  [least, most]: readonly [number | undefined, number | undefined],
  multiple: number | undefined,
  decimals: number,
): string {
  if (value === undefined || least === undefined || most === undefined) return '–';
  const text = (of: number): string =>
    of >= 10_000
      ? `${(of / 1_000).toFixed(0)}k`
      : of.toLocaleString('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
  const figure = `${text(value)} (${text(least)}–${text(most)})`;
  return multiple === undefined ? figure : `${figure} ×${multiple.toFixed(2)}`;
}
