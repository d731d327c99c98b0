import { z } from 'zod';

/**
 * What operators may ask of analytics (contract §8: `/v1/admin/analytics/{query}?from&to&step`), and the shape of each answer. A
 * point speaks of what was accepted in its step; steps are aligned to UTC, and one in which nothing happened is there with zeros.
 */

export const ANALYTICS_STEPS_MS = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;
export type AnalyticsStep = keyof typeof ANALYTICS_STEPS_MS;
export const ANALYTICS_STEPS = Object.keys(ANALYTICS_STEPS_MS) as [AnalyticsStep, ...AnalyticsStep[]];

/** points of one answer; a longer span needs a longer step: 400 invalid_request */
export const ANALYTICS_POINTS_MAX = 1_500;
/** kinds of dead letters named in one answer, those with the most letters first */
export const LETTER_KINDS_MAX = 100;

const at = z.iso.datetime().describe('when the step begins: RFC 3339, UTC, milliseconds');
const count = z.int().min(0);
const percentiles = z
  .object({ p50: z.number(), p95: z.number(), p99: z.number() })
  .describe('milliseconds: of n values in rising order the one at floor(p × n); 0 where there is none');
const ends = { completed: count, failed: count, durationMs: percentiles };

/** One row per query. A figure is of distinct events by their ids: repetition and rebuild change none. */
export const ANALYTICS_POINTS = {
  messages: z.object({ at, messages: count }).describe('messages accepted'),
  'active-users': z.object({ at, users: count }).describe('who did anything that became an event'),
  sessions: z.object({ at, created: count, active: count }).describe('sessions created, and those with any event'),
  latency: z
    .object({ at, events: count, publishedMs: percentiles, persistedMs: percentiles })
    .describe('from accepted to published and to persisted, of the events with a receipt; the first receipt counts'),
  streams: z.object({ at, ...ends, cancelled: count }).describe('token streams that ended, and how long they ran'),
  traces: z.object({ at, ...ends }).describe('traces that finished, and how long they ran'),
  errors: z.object({ at, failedStreams: count, failedTraces: count, deadLetters: count }).describe('what did not end well'),
  'dead-letters': z
    .object({ at, letters: z.array(z.object({ consumer: z.string(), reason: z.string(), letters: count })) })
    .describe(`dead letters by consumer and reason, discarded and redriven ones too; at most ${LETTER_KINDS_MAX} kinds in all`),
} as const satisfies Record<string, z.ZodType>;

export type AnalyticsQuery = keyof typeof ANALYTICS_POINTS;
export const ANALYTICS_QUERIES = Object.keys(ANALYTICS_POINTS) as [AnalyticsQuery, ...AnalyticsQuery[]];
export type AnalyticsPoint<Q extends AnalyticsQuery = AnalyticsQuery> = z.infer<(typeof ANALYTICS_POINTS)[Q]>;
/** What `/v1/admin/analytics/{query}` answers: the span that was asked for, widened to whole steps. */
export const analyticsPage = z.object({
  query: z.enum(ANALYTICS_QUERIES),
  step: z.enum(ANALYTICS_STEPS),
  from: at,
  to: at.describe('when the last step ends'),
  items: z.array(z.union(Object.values(ANALYTICS_POINTS))),
});
export type Percentiles = z.infer<typeof percentiles>;
