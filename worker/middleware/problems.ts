import { problemOf } from '../../shared/contract/problem.ts';
import { refusal, type Refusal } from '../../shared/core/codes.ts';
import { traceFields } from '../../shared/telemetry/traceparent.ts';
import { describeError, log } from '../log.ts';
import type { AppContext } from '../routes/context.ts';
import { Refused } from '../routes/refused.ts';

/** An RFC 9457 answer (contract §6). `Retry-After` is whole seconds, rounded up: never too early. */
export function problemResponse(c: AppContext, refused: Refusal, headers: Readonly<Record<string, string>> = {}): Response {
  const { retryAfterMs, ...problem } = problemOf(refused, c.var.correlationId);
  return new Response(JSON.stringify(problem), {
    status: problem.status,
    headers: {
      'Content-Type': 'application/problem+json',
      ...(retryAfterMs === undefined ? {} : { 'Retry-After': String(Math.ceil(retryAfterMs / 1_000)) }),
      ...(problem.status === 401 ? { 'WWW-Authenticate': 'Bearer' } : {}),
      ...headers,
    },
  });
}

/** What nobody expected is logged with its cause and answered without it: no stack, no internal name, ever. */
export function onError(error: Error, c: AppContext): Response {
  if (error instanceof Refused) return problemResponse(c, error.refusal, error.headers);
  log('error', 'unexpected error', {
    correlationId: c.var.correlationId,
    ...traceFields(c.var.traceparent),
    method: c.req.method,
    ...describeError(error),
  });
  return problemResponse(
    c,
    refusal('internal', 'The request failed for a reason of ours. It is logged under the correlation id.'),
  );
}
