import type { AnalyticsPoints, AnalyticsQuery } from '../../../client/admin/index.ts';
import type { Series } from '../chart.tsx';
import { countOf, durationOf } from '../format.ts';

/** One picture: a query, and which of its numbers are lines. */
export interface Figure<Q extends AnalyticsQuery> {
  query: Q;
  title: string;
  format: (value: number) => string;
  lines: Readonly<Record<string, (point: AnalyticsPoints[Q]) => number | undefined>>;
}

function figure<Q extends AnalyticsQuery>(each: Figure<Q>): Figure<Q> {
  return each;
}

/** a percentile of nothing is no zero: there is a gap in the line */
const among = (events: number, value: number): number | undefined => (events === 0 ? undefined : value);

export const FIGURES = [
  figure({ query: 'messages', title: 'Messages', format: countOf, lines: { messages: ({ messages }) => messages } }),
  figure({ query: 'active-users', title: 'Active users', format: countOf, lines: { users: ({ users }) => users } }),
  figure({
    query: 'sessions',
    title: 'Sessions',
    format: countOf,
    lines: { created: ({ created }) => created, active: ({ active }) => active },
  }),
  figure({
    query: 'latency',
    title: 'From accepted to published',
    format: durationOf,
    lines: {
      p50: ({ events, publishedMs }) => among(events, publishedMs.p50),
      p95: ({ events, publishedMs }) => among(events, publishedMs.p95),
      p99: ({ events, publishedMs }) => among(events, publishedMs.p99),
    },
  }),
  figure({
    query: 'latency',
    title: 'From accepted to persisted',
    format: durationOf,
    lines: {
      p50: ({ events, persistedMs }) => among(events, persistedMs.p50),
      p95: ({ events, persistedMs }) => among(events, persistedMs.p95),
      p99: ({ events, persistedMs }) => among(events, persistedMs.p99),
    },
  }),
  figure({
    query: 'streams',
    title: 'Token streams that ended',
    format: countOf,
    lines: { completed: ({ completed }) => completed, cancelled: ({ cancelled }) => cancelled, failed: ({ failed }) => failed },
  }),
  figure({
    query: 'traces',
    title: 'Traces that finished',
    format: countOf,
    lines: { completed: ({ completed }) => completed, failed: ({ failed }) => failed },
  }),
  figure({
    query: 'errors',
    title: 'What did not end well',
    format: countOf,
    lines: {
      'dead letters': ({ deadLetters }) => deadLetters,
      'failed streams': ({ failedStreams }) => failedStreams,
      'failed traces': ({ failedTraces }) => failedTraces,
    },
  }),
] as unknown as readonly Figure<AnalyticsQuery>[];

export function seriesOf<Q extends AnalyticsQuery>({ lines }: Figure<Q>, points: readonly AnalyticsPoints[Q][]): Series[] {
  return Object.entries(lines).map(([label, pick]) => ({ label, values: points.map((point) => pick(point)) }));
}
