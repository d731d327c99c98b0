import { z } from 'zod';
import {
  ANALYTICS_POINTS,
  ANALYTICS_POINTS_MAX,
  ANALYTICS_QUERIES,
  ANALYTICS_STEPS,
  ANALYTICS_STEPS_MS,
  type AnalyticsQuery,
  type AnalyticsStep,
} from '../../shared/contract/analytics.ts';
import { rfc3339 } from '../../shared/core/clock.ts';
import type { Asked } from './admin-asked.ts';
import { askAdmin } from './ask-admin.ts';
import { instant } from './query-params.ts';
import { refuse } from './refused.ts';

/** what is looked at when nobody says since when */
const SPAN_MS_DEFAULT = ANALYTICS_STEPS_MS.day;
const STEP_DEFAULT: AnalyticsStep = 'hour';

/** GET /v1/admin/analytics/{query}?from&to&step (contract §8): one point per step, from the beginning of the first to the end of the last. */
export async function analytics({ c, params, caller, search }: Asked): Promise<object> {
  const query = z.enum(ANALYTICS_QUERIES).safeParse(params['query']);
  if (!query.success) throw refuse('not_found', `There is no such query: there are ${ANALYTICS_QUERIES.join(', ')}.`);
  const step = z.enum(ANALYTICS_STEPS).safeParse(search.get('step') ?? STEP_DEFAULT);
  if (!step.success) throw refuse('invalid_request', `step must be one of ${ANALYTICS_STEPS.join(', ')}.`);
  const span = spanOf(search, step.data);
  const { items } = await askAdmin(c, caller, 'analytics.query', { query: query.data, ...span });
  const { fromMs, points } = span;
  return {
    query: query.data,
    step: step.data,
    from: rfc3339(fromMs),
    to: rfc3339(fromMs + points * ANALYTICS_STEPS_MS[step.data]),
    items: pointsOf(query.data, items),
  };
}

function spanOf(search: URLSearchParams, step: AnalyticsStep): { step: AnalyticsStep; fromMs: number; points: number } {
  const stepMs = ANALYTICS_STEPS_MS[step];
  const toMs = instant(search, 'to') ?? Date.now();
  const sinceMs = instant(search, 'from') ?? toMs - SPAN_MS_DEFAULT;
  if (sinceMs < 0 || sinceMs >= toMs) throw refuse('invalid_request', 'from must be a time from 1970 on and before to.');
  const fromMs = Math.floor(sinceMs / stepMs) * stepMs;
  const points = Math.ceil((toMs - fromMs) / stepMs);
  if (points > ANALYTICS_POINTS_MAX) {
    throw refuse(
      'invalid_request',
      `That is ${points} steps, and at most ${ANALYTICS_POINTS_MAX} are answered: take a longer step.`,
    );
  }
  return { step, fromMs, points };
}

/** Newer consumers may say more of a point than this build knows: that is left out. */
function pointsOf(query: AnalyticsQuery, items: readonly unknown[]): object[] {
  const parsed = z.array(ANALYTICS_POINTS[query]).safeParse(items);
  if (!parsed.success) throw refuse('unavailable', 'Analytics answered in a way that is not understood here.');
  return parsed.data;
}
