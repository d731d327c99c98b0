import { ERROR_CODES } from '../../shared/core/codes.ts';
import { ATTR } from '../../shared/telemetry/attributes.ts';
import { isSampled } from '../../shared/telemetry/traceparent.ts';
import type { Span } from '../../shared/telemetry/tracer.ts';
import type { AppContext } from '../routes/context.ts';
import { Refused } from '../routes/refused.ts';
import type { Route } from '../routes/route.ts';
import { tracerOf } from '../telemetry/tracing.ts';

const STATUS_FAULT_MIN = 500;

/**
 * The server's span of a request, named by the route and not by the address. Calls of clients begin a trace; what consumers call
 * is for many traces at once, and has a span where the caller's own is recorded.
 */
export async function traced(c: AppContext, route: Route, answer: () => Promise<Response>): Promise<Response> {
  const span = begin(c, route);
  if (span === undefined) return await answer();
  c.set('traceparent', span.traceparent);
  try {
    const response = await answer();
    end(span, response.status);
    return response;
  } catch (error) {
    const code = error instanceof Refused ? error.refusal.code : 'internal';
    end(span, ERROR_CODES[code].status, code);
    throw error;
  }
}

function begin(c: AppContext, { method, path, access }: Route): Span | undefined {
  const tracer = tracerOf(c.env, (work) => c.executionCtx.waitUntil(work));
  if (tracer.isOff || access === 'open') return undefined;
  const parent = c.var.traceparent;
  if (path.startsWith('/internal/') && !isSampled(parent)) return undefined;
  return tracer.head(`${method} ${path}`, parent, {
    kind: 'server',
    attributes: { [ATTR.httpMethod]: method, [ATTR.httpRoute]: path, [ATTR.correlationId]: c.var.correlationId },
  });
}

function end(span: Span, status: number, code?: string): void {
  span.set({ [ATTR.httpStatus]: status });
  if (status >= STATUS_FAULT_MIN) span.fail(code ?? String(status));
  span.end();
}
