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

const ROWS: readonly Row[] = [
  { key: 'acceptAlone.p50', label: 'accept, socket, nobody watching: p50 ms', decimals: 2, of: (each) => each.acceptAlone.p50 },
  { key: 'acceptAlone.p99', label: '                                 p99 ms', decimals: 2, of: (each) => each.acceptAlone.p99 },
  {
    key: 'acceptWatched.p50',
    label: 'accept, socket, all watching:    p50 ms',
    decimals: 2,
    of: (each) => each.acceptWatched.p50,
  },
  {
    key: 'acceptWatched.p99',
    label: '                                 p99 ms',
    decimals: 2,
    of: (each) => each.acceptWatched.p99,
  },
  { key: 'acceptHttp.p50', label: 'accept, HTTP, all watching:      p50 ms', decimals: 2, of: (each) => each.acceptHttp?.p50 },
  { key: 'acceptHttp.p99', label: '                                 p99 ms', decimals: 2, of: (each) => each.acceptHttp?.p99 },
  { key: 'fanout.p50', label: 'fan-out at the fixed rate:       p50 ms', decimals: 2, of: (each) => each.fanout.p50 },
  { key: 'fanout.p99', label: '                                 p99 ms', decimals: 2, of: (each) => each.fanout.p99 },
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

export type Figures = { key: string; values: (number | undefined)[]; ratios: (number | undefined)[] }[];

/** Medians over the rounds; ratios are to the first contestant. */
export function figures(results: readonly ContestantResults[]): Figures {
  return ROWS.map((row) => {
    const values = results.map((each) => {
      const samples = each.rounds.map(row.of).filter((value) => value !== undefined);
      return samples.length === 0 ? undefined : median(samples);
    });
    return { key: row.key, values, ratios: values.map((value) => ratio(value, values[0])) };
  });
}

/** The table: a column per contestant, each figure followed by its multiple of the first contestant's. */
export function table(results: readonly ContestantResults[]): string {
  const body = figures(results).map(({ values, ratios }, index) => {
    const row = ROWS[index] as Row;
    return [row.label, ...values.map((value, column) => cell(value, column === 0 ? undefined : ratios[column], row.decimals))];
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

function cell(value: number | undefined, multiple: number | undefined, decimals: number): string {
  if (value === undefined) return '–';
  const figure = value.toLocaleString('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
  return multiple === undefined ? `${figure}        ` : `${figure} ${`×${multiple.toFixed(2)}`.padStart(7)}`;
}
