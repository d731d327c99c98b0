import { expect, test } from 'vitest';
import { otelTracer, type OtelContext, type OtelSdk, type OtelSpan } from '../../../../shared/telemetry/otel.ts';
import { telemetrySettings } from '../../../../shared/telemetry/settings.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = `00-${TRACE}-b7ad6b7169203331-01`;

/** An SDK in which everything fails from a moment on. */
function failingSdk(fails: { now: boolean }): OtelSdk {
  const orThrow = <T>(value: T): T => {
    if (fails.now) throw new Error('a bug of the SDK');
    return value;
  };
  const context: OtelContext = { getValue: () => undefined, setValue: () => orThrow(context) };
  const span: OtelSpan = {
    spanContext: () => orThrow({ traceId: TRACE, spanId: '00f067aa0ba902b7', traceFlags: 1 }),
    setAttributes: () => orThrow(undefined),
    setStatus: () => orThrow(undefined),
    end: () => orThrow(undefined),
  };
  class Sampler {
    shouldSample(): { decision: number } {
      return { decision: 2 };
    }
  }
  class Provider {
    getTracer(): { startSpan: () => OtelSpan } {
      return { startSpan: () => orThrow(span) };
    }
    async forceFlush(): Promise<void> {}
    async shutdown(): Promise<void> {}
  }
  return {
    ROOT_CONTEXT: context,
    createContextKey: (description) => Symbol(description),
    trace: { setSpanContext: () => orThrow(context) },
    AlwaysOnSampler: Sampler,
    AlwaysOffSampler: Sampler,
    TraceIdRatioBasedSampler: Sampler,
    ParentBasedSampler: Sampler,
    TracerProvider: Provider,
    resourceFromAttributes: () => ({}),
  };
}

test('what the SDK throws reaches nobody: not when a span is made, nor when it is told anything, nor at its end', () => {
  const fails = { now: false };
  const settings = telemetrySettings({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' }, 'millrace-test');
  if (settings === undefined) throw new Error('traces are off');
  const processor = { onStart() {}, onEnd() {}, forceFlush: async () => {}, shutdown: async () => {} };
  const { tracer } = otelTracer(failingSdk(fails), settings, processor, () => 1_000);
  const span = tracer.child('a commit', PARENT);
  expect(span?.traceparent).toBe(`00-${TRACE}-00f067aa0ba902b7-01`);
  fails.now = true;
  span?.set({ 'millrace.events': 1 });
  span?.fail('refused');
  span?.end();
  expect(tracer.head('a request', undefined)).toBeUndefined();
  expect(tracer.child('a commit', PARENT)).toBeUndefined();
  expect(tracer.linked('a batch', [PARENT])).toBeUndefined();
});
