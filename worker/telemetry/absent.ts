import type { OtelSdk } from '../../shared/telemetry/otel.ts';

/** What the bundle holds of OpenTelemetry: here nothing. The build puts `present.ts` in its place where it is installed. */

export interface EdgeSdk extends OtelSdk {
  /** OTLP as JSON; undefined when there is nothing to say */
  encode(spans: unknown[]): Uint8Array | undefined;
}

export const sdk: EdgeSdk | undefined = undefined;
