import { otelTracer } from '../../shared/telemetry/otel.ts';
import { telemetrySettings, TelemetrySettingError, type TelemetrySettings } from '../../shared/telemetry/settings.ts';
import { NO_TRACER, type Span, type Tracer } from '../../shared/telemetry/tracer.ts';
import type { Env } from '../env.ts';
import { log, logOnce } from '../log.ts';
import { sdk as bundled, type EdgeSdk } from './absent.ts';
import { EXPORT_MS_MAX, SpanBuffer } from './span-buffer.ts';

const SERVICE_NAME = 'millrace-edge';

interface Recording {
  tracer: Tracer;
  buffer: SpanBuffer;
}

/** one per isolate, made when the first span is asked for; `settings` says for which variables */
let made: { settings: string; recording: Recording | undefined } | undefined;

/**
 * The tracer of a request or of an object. `background` keeps that context alive until its spans are sent, for a bounded time.
 * Without an OTLP endpoint it costs the look at two variables.
 */
export function tracerOf(env: Env, background: (work: Promise<void>) => void): Tracer {
  if (!env.OTEL_EXPORTER_OTLP_ENDPOINT && !env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT) return NO_TRACER;
  const recording = recordingOf(env);
  return recording === undefined ? NO_TRACER : flushing(recording, background);
}

function recordingOf(env: Env): Recording | undefined {
  const settings = `${env.OTEL_EXPORTER_OTLP_ENDPOINT} ${env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT} ${env.OTEL_TRACES_SAMPLER_ARG}`;
  if (made?.settings === settings) return made.recording;
  made = { settings, recording: record(env, bundled) };
  return made.recording;
}

/** A setting that cannot be used is said in the log and costs the traces: never a command. */
function record(env: Env, sdk: EdgeSdk | undefined): Recording | undefined {
  let settings: TelemetrySettings | undefined;
  try {
    settings = telemetrySettings(env, SERVICE_NAME);
  } catch (error) {
    if (!(error instanceof TelemetrySettingError)) throw error;
    logOnce(`nothing is traced: ${error.message}`);
    return undefined;
  }
  if (settings === undefined) return undefined;
  if (sdk === undefined) {
    logOnce('nothing is traced: this edge was built without OpenTelemetry');
    return undefined;
  }
  return recordTo(sdk, settings);
}

function recordTo(sdk: EdgeSdk, settings: TelemetrySettings): Recording {
  const buffer = new SpanBuffer({
    post: (spans) => post(sdk, settings, spans),
    delay: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    nowMs: () => Date.now(),
    log,
  });
  const processor = {
    onStart: () => undefined,
    onEnd: (span: unknown) => buffer.add(span),
    forceFlush: () => buffer.flush(),
    shutdown: () => Promise.resolve(),
  };
  return { buffer, tracer: otelTracer(sdk, settings, processor, () => Date.now()).tracer };
}

async function post(sdk: EdgeSdk, { url, headers }: TelemetrySettings, spans: unknown[]): Promise<void> {
  const body = sdk.encode(spans);
  if (body === undefined) return;
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body,
    redirect: 'manual',
    signal: AbortSignal.timeout(EXPORT_MS_MAX),
  });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`the collector answered ${response.status}`);
}

/** The same tracer, whose spans see to it that they are sent. */
function flushing({ tracer, buffer }: Recording, background: (work: Promise<void>) => void): Tracer {
  let isFlushing = false;
  let endedMeanwhile = false;
  const flushSoon = (): void => {
    endedMeanwhile = isFlushing;
    if (isFlushing || buffer.size === 0) return;
    isFlushing = true;
    background(
      buffer.flush().finally(() => {
        isFlushing = false;
        // only for what is ours: the spans of others keep them awake, not us
        if (endedMeanwhile) flushSoon();
      }),
    );
  };
  const watched = (span: Span | undefined): Span | undefined =>
    span && {
      traceparent: span.traceparent,
      set: (attributes) => span.set(attributes),
      fail: (errorType) => span.fail(errorType),
      end(atMs) {
        span.end(atMs);
        flushSoon();
      },
    };
  return {
    isOff: false,
    head: (...given) => watched(tracer.head(...given)),
    child: (...given) => watched(tracer.child(...given)),
    linked: (...given) => watched(tracer.linked(...given)),
  };
}
