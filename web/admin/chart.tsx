import { useEffect, useRef, useState } from 'react';
import uPlot, { type AlignedData } from 'uplot';
import { fullTimeOf, timeOf } from '../ui/times.ts';

export interface Series {
  label: string;
  values: readonly (number | undefined)[];
}

interface ChartProps {
  title: string;
  /** epoch ms, rising */
  atMs: readonly number[];
  series: readonly Series[];
  format: (value: number) => string;
  /** there are no halves of what is counted */
  isWhole?: boolean;
}

const SHORT_DAY = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const shortDayOf = (at: Date): string => SHORT_DAY.format(at);
const HEIGHT_PX = 200;
/** told apart also without colour: each has a dash of its own */
const DASHES: readonly number[][] = [[], [6, 4], [2, 3], [10, 4, 2, 4], [1, 5], [12, 4]];
const COLOURS = ['--line-1', '--line-2', '--line-3', '--line-4', '--line-5', '--line-6'] as const;
const WHOLE_STEPS = [1, 2, 5]
  .flatMap((step) => [0, 1, 2, 3, 4, 5, 6, 7, 8].map((zeros) => step * 10 ** zeros))
  .toSorted((a, b) => a - b);
/** rows of the table beside the picture: the newest */
const ROWS_MAX = 100;

/** Lines over time, and the same as a table for whoever cannot see them. */
export function Chart(props: ChartProps) {
  const { title } = props;
  const [isTable, setTable] = useState(false);
  return (
    <figure className="card chart">
      <figcaption>
        <h3>{title}</h3>
        <button type="button" className="button" aria-pressed={isTable} onClick={() => setTable(!isTable)}>
          As a table
        </button>
      </figcaption>
      {isTable ? <Table {...props} /> : <Picture {...props} />}
    </figure>
  );
}

function Picture({ title, atMs, series, format, isWhole = false }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const latest = useRef(format);
  latest.current = format;
  // as one text, which is the same as long as they are
  const labels = JSON.stringify(series.map(({ label }) => label));
  const theme = useTheme();
  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    // made a few lines above
    const names = JSON.parse(labels) as string[];
    const colour = (name: string): string => getComputedStyle(element).getPropertyValue(name).trim();
    const axis = { stroke: colour('--text-soft'), grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false } };
    const made = new uPlot(
      {
        width: element.clientWidth,
        height: HEIGHT_PX,
        legend: { live: true },
        cursor: { y: false },
        scales: { y: { range: (_plot, _min, max) => [0, Math.max(1, max * 1.05)] } },
        axes: [
          { ...axis, values: (_plot, splits) => splits.map(tickOf) },
          {
            ...axis,
            size: 64,
            values: (_plot, splits) => splits.map((value) => latest.current(value)),
            ...(isWhole ? { incrs: WHOLE_STEPS } : {}),
          },
        ],
        series: [
          { label: 'Time', value: (_plot, s) => (s === null ? '–' : fullTimeOf(new Date(s * 1_000).toISOString())) },
          ...names.map((label, index) => ({
            label,
            stroke: colour(COLOURS[index % COLOURS.length] ?? '--accent'),
            width: 2,
            dash: DASHES[index % DASHES.length] ?? [],
            // one that stands alone would be no line at all
            points: { show: true, size: 4 },
            value: (_plot: uPlot, value: number | null) => (value === null ? '–' : latest.current(value)),
          })),
        ],
      },
      [[], ...names.map(() => [])] as AlignedData,
      element,
    );
    plot.current = made;
    const resized = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT_PX }));
    resized.observe(element);
    return () => {
      resized.disconnect();
      made.destroy();
      plot.current = undefined;
    };
  }, [labels, theme, isWhole]);
  useEffect(() => {
    plot.current?.setData([atMs.map((ms) => ms / 1_000), ...series.map(({ values }) => values.map((value) => value ?? null))]);
  }, [atMs, series, labels, theme, isWhole]);
  return (
    <div ref={place} className="chart-place" role="img" aria-label={`${title}: a picture; the button above shows a table`} />
  );
}

/** What stands below the line: the time, and the day where a day begins. */
function tickOf(s: number, index: number, all: readonly number[]): string {
  const at = new Date(s * 1_000);
  const before = all[index - 1];
  const isNewDay = before !== undefined && new Date(before * 1_000).getDate() !== at.getDate();
  return isNewDay ? shortDayOf(at) : timeOf(at.toISOString());
}

function Table({ title, atMs, series, format }: ChartProps) {
  const first = Math.max(0, atMs.length - ROWS_MAX);
  return (
    <div className="table-scroll" tabIndex={0} role="region" aria-label={title}>
      <table>
        <thead>
          <tr>
            <th scope="col">Time</th>
            {series.map(({ label }) => (
              <th key={label} scope="col">
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {atMs
            .slice(first)
            .map((ms, index) => (
              <tr key={ms}>
                <th scope="row">{fullTimeOf(new Date(ms).toISOString())}</th>
                {series.map(({ label, values }) => {
                  const value = values[first + index];
                  return <td key={label}>{value === undefined ? '–' : format(value)}</td>;
                })}
              </tr>
            ))
            .toReversed()}
        </tbody>
      </table>
    </div>
  );
}

/** Changes when the colours do: a canvas keeps those that it was painted with. */
function useTheme(): string {
  const read = (): string => getComputedStyle(document.documentElement).colorScheme;
  const [theme, setTheme] = useState(read);
  useEffect(() => {
    const look = (): void => setTheme(read());
    const seen = new MutationObserver(look);
    seen.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    const system = matchMedia('(prefers-color-scheme: dark)');
    system.addEventListener('change', look);
    return () => {
      seen.disconnect();
      system.removeEventListener('change', look);
    };
  }, []);
  return theme;
}
