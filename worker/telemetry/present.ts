import { createContextKey, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { EdgeSdk } from './absent.ts';

/** The one file of the edge that imports OpenTelemetry. It is a module of the bundle by itself: see scripts/build-edge.mjs. */
export const sdk: EdgeSdk = {
  ROOT_CONTEXT,
  createContextKey,
  trace,
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
  resourceFromAttributes,
  encode: (spans) => JsonTraceSerializer.serializeRequest(spans),
};
