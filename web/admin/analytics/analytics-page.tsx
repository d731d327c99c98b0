import { useState } from 'react';
import type { AnalyticsQuery, AnalyticsStep } from '../../../client/admin/index.ts';
import { usePoll } from '../../../client/react/admin.ts';
import { Chart } from '../chart.tsx';
import { countOf } from '../format.ts';
import { Fresh } from '../fresh.tsx';
import { FIGURES, seriesOf, type Figure } from './figures.ts';

const EVERY_MS = 10_000;
const HOUR_MS = 3_600_000;

/** how far back, in steps of what: at most as many points as one answer holds */
const SPANS = {
  'last hour': { spanMs: HOUR_MS, step: 'minute' },
  'last day': { spanMs: 24 * HOUR_MS, step: 'minute' },
  'last week': { spanMs: 7 * 24 * HOUR_MS, step: 'hour' },
  'last 90 days': { spanMs: 90 * 24 * HOUR_MS, step: 'day' },
} as const satisfies Record<string, { spanMs: number; step: AnalyticsStep }>;
type SpanName = keyof typeof SPANS;

/** What was said and done, over time. */
export function AnalyticsPage() {
  const [span, setSpan] = useState<SpanName>('last hour');
  return (
    <div className="admin-page">
      <header className="page-head">
        <h1>Analytics</h1>
        <label className="filter">
          Time
          {/* the options are the keys of SPANS */}
          <select className="input" value={span} onChange={({ target }) => setSpan(target.value as SpanName)}>
            {Object.keys(SPANS).map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
      </header>
      <div className="chart-grid">
        {FIGURES.map((figure) => (
          <FigureChart key={figure.title} figure={figure} span={span} />
        ))}
      </div>
    </div>
  );
}

function FigureChart<Q extends AnalyticsQuery>({ figure, span }: { figure: Figure<Q>; span: SpanName }) {
  const { query, title, format } = figure;
  const polled = usePoll(`${query} ${span}`, EVERY_MS, async (operator, signal) => {
    const { spanMs, step } = SPANS[span];
    return await operator.analytics(query, { step, from: new Date(Date.now() - spanMs).toISOString() }, signal);
  });
  const points = polled.value?.items ?? [];
  return (
    <div>
      <Fresh polled={polled} />
      <Chart
        title={title}
        atMs={points.map(({ at }) => Date.parse(at))}
        series={seriesOf(figure, points)}
        format={format}
        isWhole={format === countOf}
      />
    </div>
  );
}
