// What present.ts uses of packages that are installed only to build the edge, so that types are checked without them.
// The system test of tracing proves it against the packages themselves.

// oxlint-disable-next-line typescript/consistent-type-imports -- a module that is declared may not import by a relative name
type Otel = import('../../shared/telemetry/otel.ts').OtelSdk;

declare module '@opentelemetry/api' {
  export const ROOT_CONTEXT: Otel['ROOT_CONTEXT'];
  export const createContextKey: Otel['createContextKey'];
  export const trace: Otel['trace'];
}

declare module '@opentelemetry/resources' {
  export const resourceFromAttributes: Otel['resourceFromAttributes'];
}

declare module '@opentelemetry/sdk-trace' {
  export const AlwaysOffSampler: Otel['AlwaysOffSampler'];
  export const AlwaysOnSampler: Otel['AlwaysOnSampler'];
  export const ParentBasedSampler: Otel['ParentBasedSampler'];
  export const TraceIdRatioBasedSampler: Otel['TraceIdRatioBasedSampler'];
  export const TracerProvider: Otel['TracerProvider'];
}

declare module '@opentelemetry/otlp-transformer' {
  export const JsonTraceSerializer: { serializeRequest(spans: unknown[]): Uint8Array | undefined };
}
