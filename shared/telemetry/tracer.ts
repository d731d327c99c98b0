/** The port of tracing: what edge and consumers say of a piece of work. The OpenTelemetry SDK is behind it, or nothing. */

export type AttributeValue = string | number | boolean;
export type Attributes = Readonly<Record<string, AttributeValue>>;

/** of OpenTelemetry */
export type SpanKind = 'internal' | 'server' | 'client' | 'producer' | 'consumer';

export interface SpanOptions {
  kind?: SpanKind;
  /** never a message's text, a token or a payload, and nothing whose length others choose */
  attributes?: Attributes;
  /** epoch milliseconds; absent: now */
  startMs?: number;
  /** W3C traceparents of other traces that it has to do with */
  links?: readonly string[];
}

export interface Span {
  /** W3C Trace Context: what those behind are to be given */
  readonly traceparent: string;
  set(attributes: Attributes): void;
  /** marks it as failed; the type is a short code, never a message */
  fail(errorType: string): void;
  end(atMs?: number): void;
}

export interface Tracer {
  /** nothing is ever recorded: callers may spare themselves the look for a parent */
  readonly isOff: boolean;
  /**
   * The first span of ours in a trace, at a door: here it is decided whether the trace is recorded. Undefined: it is not, and
   * nobody behind needs to know. Where a traceparent came in and is not followed, the span is an empty one that says so.
   */
  head(name: string, parent: string | undefined, options?: SpanOptions): Span | undefined;
  /** Work in a trace that is recorded; undefined in one that is not, or in none. */
  child(name: string, parent: string | undefined, options?: SpanOptions): Span | undefined;
  /** Work for many traces at once: a trace of its own, linked to those. Undefined when none of them is recorded. */
  linked(name: string, links: readonly string[], options?: SpanOptions): Span | undefined;
}

export const NO_TRACER: Tracer = {
  isOff: true,
  head: () => undefined,
  child: () => undefined,
  linked: () => undefined,
};
