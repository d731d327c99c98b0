import {
  ANALYTICS_STEPS_MS,
  LETTER_KINDS_MAX,
  type AnalyticsPoint,
  type AnalyticsQuery,
  type Percentiles,
} from '../../../shared/contract/analytics.ts';
import { rfc3339 } from '../../../shared/core/clock.ts';
import type { AnalyticsStore, Counted, Figures, Span } from './port.ts';

const NOTHING: Percentiles = { p50: 0, p95: 0, p99: 0 };
const NO_ENDS = { completed: 0, failed: 0, durationMs: NOTHING };

type Single = Exclude<AnalyticsQuery, 'dead-letters'>;
type ZeroOf<Q extends Single> = Omit<Awaited<ReturnType<Figures[Q]>>[number], 'step'>;

/** What a step has in which nothing happened. */
const ZEROS: { readonly [Q in Single]: ZeroOf<Q> } = {
  messages: { messages: 0 },
  'active-users': { users: 0 },
  sessions: { created: 0, active: 0 },
  latency: { events: 0, publishedMs: NOTHING, persistedMs: NOTHING },
  streams: { ...NO_ENDS, cancelled: 0 },
  traces: NO_ENDS,
  errors: { failedStreams: 0, failedTraces: 0, deadLetters: 0 },
};

/** One point per step of the span, in order, zeros where there is nothing. Rejects when the store does. */
export async function answerOf(store: AnalyticsStore, query: AnalyticsQuery, span: Span): Promise<AnalyticsPoint[]> {
  if (query === 'dead-letters') return lettersOf(await store[query](span), span);
  const found = new Map<number, Counted>((await store[query](span)).map((row) => [row.step, row]));
  return steps(span).map(({ step, at }) => {
    const { step: _step, ...figures } = { step, ...ZEROS[query], ...found.get(step) };
    return { at, ...figures };
  });
}

type LetterCounts = Awaited<ReturnType<Figures['dead-letters']>>;

function lettersOf(rows: LetterCounts, span: Span): AnalyticsPoint<'dead-letters'>[] {
  const kinds = new Map<string, number>();
  const kindOf = ({ consumer, reason }: LetterCounts[number]): string => JSON.stringify([consumer, reason]);
  for (const row of rows) kinds.set(kindOf(row), (kinds.get(kindOf(row)) ?? 0) + row.letters);
  const shown = new Set(
    [...kinds]
      .toSorted(([a, many], [b, more]) => more - many || (a < b ? -1 : 1))
      .slice(0, LETTER_KINDS_MAX)
      .map(([kind]) => kind),
  );
  return steps(span).map(({ step, at }) => ({
    at,
    letters: rows
      .filter((row) => row.step === step && shown.has(kindOf(row)))
      .map(({ consumer, reason, letters }) => ({ consumer, reason, letters }))
      .toSorted((a, b) => (kindOf({ ...a, step }) < kindOf({ ...b, step }) ? -1 : 1)),
  }));
}

function steps({ fromMs, step, points }: Span): { step: number; at: string }[] {
  const ms = ANALYTICS_STEPS_MS[step];
  return Array.from({ length: points }, (_none, index) => ({ step: index, at: rfc3339(fromMs + index * ms) }));
}
