import { Chart } from '../chart.tsx';
import { countOf, rateOf } from '../format.ts';
import { lineOf, type Sample } from '../samples.ts';

/** Rates and lag of all consumers since the page was opened, at most a quarter of an hour. */
export function Lines({ samples }: { samples: readonly Sample[] }) {
  if (samples.length < 2) return null;
  // of all that were ever seen: while nobody answers, their lines have a gap
  const names = [...new Set(samples.flatMap((sample) => Object.keys(sample.lag)))];
  const atMs = samples.map((sample) => sample.atMs);
  const series = (pick: 'lag' | 'ratePerS') => names.map((name) => ({ label: name, values: lineOf(samples, pick, name) }));
  return (
    <div className="chart-row">
      <Chart title="Events per second" atMs={atMs} series={series('ratePerS')} format={rateOf} />
      <Chart title="Events not yet taken" atMs={atMs} series={series('lag')} format={countOf} isWhole />
    </div>
  );
}
