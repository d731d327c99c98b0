import type { SamplerName, TelemetrySettings } from './settings.ts';
import { isSampled, readTraceparent, writeTraceparent, type SpanContext } from './traceparent.ts';
import type { Attributes, Span, SpanKind, SpanOptions, Tracer } from './tracer.ts';

/**
 * The port on the OpenTelemetry SDK, which comes in as an argument: edge and consumers have packages of their own for it, and
 * most checkouts have neither. What is used of it is written down here.
 */

/** seconds and nanoseconds since the epoch: a plain number the SDK may take for one of its own clock */
type HrTime = [seconds: number, nanoseconds: number];

/** what the SDK carries a parent in; opaque to us */
export interface OtelContext {
  getValue(key: symbol): unknown;
  setValue(key: symbol, value: unknown): OtelContext;
}

export interface OtelSpanContext extends SpanContext {
  isRemote?: boolean;
}

export interface OtelSpan {
  spanContext(): OtelSpanContext;
  setAttributes(attributes: Attributes): unknown;
  setStatus(status: { code: number }): unknown;
  end(at: HrTime): void;
}

export interface OtelLink {
  context: OtelSpanContext;
}

export interface OtelSampler {
  shouldSample(
    context: OtelContext,
    traceId: string,
    name: string,
    kind: number,
    attributes: Attributes,
    links: OtelLink[],
  ): { decision: number };
  toString(): string;
}

export interface OtelProcessor {
  onStart(span: unknown, context: unknown): void;
  onEnd(span: unknown): void;
  forceFlush(): Promise<void>;
  shutdown(): Promise<void>;
}

export interface OtelProvider {
  getTracer(name: string): {
    startSpan(
      name: string,
      options: { kind: number; attributes: Attributes; links: OtelLink[]; startTime: HrTime },
      context: OtelContext,
    ): OtelSpan;
  };
  forceFlush(): Promise<void>;
  shutdown(): Promise<void>;
}

/** of @opentelemetry/api, sdk-trace and resources */
export interface OtelSdk {
  ROOT_CONTEXT: OtelContext;
  createContextKey(description: string): symbol;
  trace: { setSpanContext(context: OtelContext, parent: OtelSpanContext): OtelContext };
  AlwaysOnSampler: new () => OtelSampler;
  AlwaysOffSampler: new () => OtelSampler;
  TraceIdRatioBasedSampler: new (ratio: number) => OtelSampler;
  ParentBasedSampler: new (config: { root: OtelSampler }) => OtelSampler;
  TracerProvider: new (options: {
    resource: unknown;
    sampler: OtelSampler;
    spanLimits: { attributeValueLengthLimit: number; attributeCountLimit: number; linkCountLimit: number };
    spanProcessors: OtelProcessor[];
  }) => OtelProvider;
  resourceFromAttributes(attributes: Attributes): unknown;
}

/** a value that is longer is cut by the SDK, whoever made it */
const ATTRIBUTE_CHARS_MAX = 256;
const ATTRIBUTES_MAX = 32;
/** of a batch's span; the traces beyond it are not linked */
export const LINKS_MAX = 64;

const RECORD_AND_SAMPLED = 2;
const STATUS_ERROR = 2;
const KINDS: Readonly<Record<SpanKind, number>> = { internal: 0, server: 1, client: 2, producer: 3, consumer: 4 };

/** `onEnd` of the processor is given each recorded span as it ends. */
export function otelTracer(
  sdk: OtelSdk,
  settings: TelemetrySettings,
  processor: OtelProcessor,
  nowMs: () => number,
): { tracer: Tracer; provider: OtelProvider } {
  const decided = sdk.createContextKey('millrace: decided at the head');
  const provider = new sdk.TracerProvider({
    resource: sdk.resourceFromAttributes({ ...settings.resource, 'service.name': settings.serviceName }),
    sampler: decidedOrHead(decided, samplerNamed(sdk, settings.sampler, settings.ratio)),
    spanLimits: {
      attributeValueLengthLimit: ATTRIBUTE_CHARS_MAX,
      attributeCountLimit: ATTRIBUTES_MAX,
      linkCountLimit: LINKS_MAX,
    },
    spanProcessors: [processor],
  });
  const otel = provider.getTracer('millrace');
  const start = (name: string, context: OtelContext, options: SpanOptions = {}): OtelSpan =>
    otel.startSpan(
      name,
      {
        kind: KINDS[options.kind ?? 'internal'],
        attributes: options.attributes ?? {},
        links: (options.links ?? []).slice(0, LINKS_MAX).flatMap(linkTo),
        startTime: hrTime(options.startMs ?? nowMs()),
      },
      context,
    );
  const under = (parent: string | undefined): OtelContext => {
    const context = readTraceparent(parent);
    return context === undefined ? sdk.ROOT_CONTEXT : sdk.trace.setSpanContext(sdk.ROOT_CONTEXT, { ...context, isRemote: true });
  };
  return {
    provider,
    tracer: {
      isOff: false,
      head: (name, parent, options) =>
        unless(() => {
          const span = new OtelBackedSpan(start(name, under(parent), options), nowMs);
          return parent === undefined && !isSampled(span.traceparent) ? undefined : span;
        }),
      child(name, parent, options) {
        if (!isSampled(parent)) return undefined;
        return unless(() => new OtelBackedSpan(start(name, under(parent).setValue(decided, true), options), nowMs));
      },
      linked(name, links, options) {
        const recorded = links.filter(isSampled);
        if (recorded.length === 0) return undefined;
        const context = (): OtelContext => sdk.ROOT_CONTEXT.setValue(decided, true);
        return unless(() => new OtelBackedSpan(start(name, context(), { ...options, links: recorded }), nowMs));
      },
    },
  };
}

/** Undefined where the SDK throws: spans are made around commits, and what is accepted must be answered all the same. */
function unless<T>(throws: () => T): T | undefined {
  try {
    return throws();
  } catch {
    return undefined;
  }
}

class OtelBackedSpan implements Span {
  readonly traceparent: string;
  readonly #span: OtelSpan;
  readonly #nowMs: () => number;

  constructor(span: OtelSpan, nowMs: () => number) {
    this.#span = span;
    this.#nowMs = nowMs;
    this.traceparent = writeTraceparent(span.spanContext());
  }

  set(attributes: Attributes): void {
    unless(() => this.#span.setAttributes(attributes));
  }

  fail(errorType: string): void {
    unless(() => {
      this.#span.setAttributes({ 'error.type': errorType });
      this.#span.setStatus({ code: STATUS_ERROR });
    });
  }

  end(atMs: number = this.#nowMs()): void {
    unless(() => this.#span.end(hrTime(atMs)));
  }
}

/** What a head decided goes for all that is behind it, whatever the sampler of the process that is behind it would say. */
function decidedOrHead(decided: symbol, head: OtelSampler): OtelSampler {
  return {
    shouldSample(context, ...rest) {
      return context.getValue(decided) === true ? { decision: RECORD_AND_SAMPLED } : head.shouldSample(context, ...rest);
    },
    toString: () => head.toString(),
  };
}

function samplerNamed(sdk: OtelSdk, name: SamplerName, ratio: number): OtelSampler {
  const ofRatio = (): OtelSampler => new sdk.TraceIdRatioBasedSampler(ratio);
  switch (name) {
    case 'always_on':
      return new sdk.AlwaysOnSampler();
    case 'always_off':
      return new sdk.AlwaysOffSampler();
    case 'traceidratio':
      return ofRatio();
    case 'parentbased_always_on':
      return new sdk.ParentBasedSampler({ root: new sdk.AlwaysOnSampler() });
    case 'parentbased_always_off':
      return new sdk.ParentBasedSampler({ root: new sdk.AlwaysOffSampler() });
    case 'parentbased_traceidratio':
      return new sdk.ParentBasedSampler({ root: ofRatio() });
  }
}

function hrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1_000);
  return [seconds, Math.round((ms - seconds * 1_000) * 1e6)];
}

function linkTo(traceparent: string): OtelLink[] {
  const context = readTraceparent(traceparent);
  return context === undefined ? [] : [{ context: { ...context, isRemote: true } }];
}
