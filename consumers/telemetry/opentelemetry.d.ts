// What start.ts uses of packages that are installed only where traces are asked for, so that types are checked without them.
// The system test of tracing proves it against the packages themselves.

// oxlint-disable-next-line typescript/consistent-type-imports -- a module that is declared may not import by a relative name
type Otel = import('../../shared/telemetry/otel.ts').OtelSdk;
// oxlint-disable-next-line typescript/consistent-type-imports -- for the same reason as above
type OtelProcessor = import('../../shared/telemetry/otel.ts').OtelProcessor;

declare module '@opentelemetry/api' {
  export const ROOT_CONTEXT: Otel['ROOT_CONTEXT'];
  export const createContextKey: Otel['createContextKey'];
  export const trace: Otel['trace'];
  export const DiagLogLevel: { WARN: number };
  type Say = (message: string, ...more: unknown[]) => void;
  export const diag: {
    setLogger(
      logger: { error: Say; warn: Say; info: Say; debug: Say; verbose: Say },
      options: { logLevel: number; suppressOverrideMessage: boolean },
    ): boolean;
  };
}

declare module '@opentelemetry/resources' {
  export const resourceFromAttributes: Otel['resourceFromAttributes'];
}

declare module '@opentelemetry/exporter-trace-otlp-http' {
  export const OTLPTraceExporter: new (options: {
    url: string;
    headers: Record<string, string>;
    timeoutMillis: number;
  }) => object;
}

declare module '@opentelemetry/sdk-trace' {
  export const AlwaysOffSampler: Otel['AlwaysOffSampler'];
  export const AlwaysOnSampler: Otel['AlwaysOnSampler'];
  export const ParentBasedSampler: Otel['ParentBasedSampler'];
  export const TraceIdRatioBasedSampler: Otel['TraceIdRatioBasedSampler'];
  export const TracerProvider: Otel['TracerProvider'];
  export const BatchSpanProcessor: new (options: {
    exporter: object;
    maxQueueSize: number;
    maxExportBatchSize: number;
    scheduledDelayMillis: number;
    exportTimeoutMillis: number;
  }) => OtelProcessor;
}
