/**
 * Leaves the edge bundle in dist/edge: index.js, and telemetry.js with OpenTelemetry where it is asked for. Does nothing when
 * its inputs are unchanged. Throws an Error that says what to do.
 */
export function ensureEdgeBundle(options?: { telemetry?: boolean }): Promise<void>;
