import { createContextKey, diag, DiagLogLevel, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { otelTracer } from '../../shared/telemetry/otel.ts';
import type { TelemetrySettings } from '../../shared/telemetry/settings.ts';
import { within } from '../runtime/backoff.ts';
import { describe, type Log } from '../runtime/log.ts';
import type { Telemetry } from '../runtime/telemetry.ts';

/** The one file of the consumers that imports OpenTelemetry: a package of its own, loaded where traces are asked for. */

/** spans waiting to be sent; what comes beyond them is dropped, and the SDK says how many */
const QUEUE_SPANS_MAX = 2_048;
const EXPORT_SPANS_MAX = 512;
const EXPORT_EVERY_MS = 1_000;
const EXPORT_MS_MAX = 5_000;
/** well below what a process is given to end */
const STOP_MS_MAX = 1_500;
/** a collector that is away is said once in this time */
const COMPLAIN_EVERY_MS = 60_000;

export function startTelemetry(settings: TelemetrySettings, log: Log, nowMs: () => number = Date.now): Telemetry {
  complainTo(log, nowMs);
  const exporter = new OTLPTraceExporter({ url: settings.url, headers: { ...settings.headers }, timeoutMillis: EXPORT_MS_MAX });
  const processor = new BatchSpanProcessor({
    exporter,
    maxQueueSize: QUEUE_SPANS_MAX,
    maxExportBatchSize: EXPORT_SPANS_MAX,
    scheduledDelayMillis: EXPORT_EVERY_MS,
    exportTimeoutMillis: EXPORT_MS_MAX,
  });
  const sdk = {
    ROOT_CONTEXT,
    createContextKey,
    trace,
    AlwaysOffSampler,
    AlwaysOnSampler,
    ParentBasedSampler,
    TraceIdRatioBasedSampler,
    TracerProvider,
    resourceFromAttributes,
  };
  const { tracer, provider } = otelTracer(sdk, settings, processor, nowMs);
  log('info', 'traces are recorded', { sampler: settings.sampler, ratio: settings.ratio });
  return {
    tracer,
    async stop() {
      try {
        await within(STOP_MS_MAX, 'the last spans', provider.shutdown());
      } catch (error) {
        log('warn', 'stopped with spans unsent', { error: describe(error) });
      }
    },
  };
}

/** The SDK's own complaints, a collector that is away among them. */
function complainTo(log: Log, nowMs: () => number): void {
  let saidAtMs = -COMPLAIN_EVERY_MS;
  const complain = (complaint: string): void => {
    if (nowMs() - saidAtMs < COMPLAIN_EVERY_MS) return;
    saidAtMs = nowMs();
    log('warn', 'the collector of traces does not take spans', { error: complaint });
  };
  const silent = (): void => undefined;
  diag.setLogger(
    { error: complain, warn: complain, info: silent, debug: silent, verbose: silent },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
}
