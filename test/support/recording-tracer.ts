import { isSampled, readTraceparent } from '../../shared/telemetry/traceparent.ts';
import type { AttributeValue, Span, SpanOptions, Tracer } from '../../shared/telemetry/tracer.ts';

/** A span as the tracer of a test keeps it. */
export interface RecordedSpan {
  name: string;
  parent: string | undefined;
  traceparent: string;
  kind: string;
  links: readonly string[];
  attributes: Record<string, AttributeValue>;
  errorType: string | undefined;
  /** how often it was ended: once is right */
  ended: number;
}

/** A tracer that follows every trace whose parent is sampled, and begins none by itself. */
export class RecordingTracer implements Tracer {
  readonly isOff = false;
  readonly spans: RecordedSpan[] = [];

  head(name: string, parent: string | undefined, options?: SpanOptions): Span | undefined {
    return this.child(name, parent, options);
  }

  child(name: string, parent: string | undefined, options?: SpanOptions): Span | undefined {
    if (!isSampled(parent)) return undefined;
    return this.#start(name, parent, readTraceparent(parent)?.traceId ?? '', options);
  }

  linked(name: string, links: readonly string[], options?: SpanOptions): Span | undefined {
    const recorded = links.filter(isSampled);
    if (recorded.length === 0) return undefined;
    return this.#start(name, undefined, 'f'.repeat(32), { ...options, links: recorded });
  }

  named(name: string): RecordedSpan[] {
    return this.spans.filter((span) => span.name === name);
  }

  #start(name: string, parent: string | undefined, traceId: string, options: SpanOptions = {}): Span {
    const { kind = 'internal', links = [], attributes = {} } = options;
    const spanId = (this.spans.length + 1).toString(16).padStart(16, '0');
    const traceparent = `00-${traceId}-${spanId}-01`;
    const recorded: RecordedSpan = {
      name,
      parent,
      traceparent,
      kind,
      links,
      attributes: { ...attributes },
      errorType: undefined,
      ended: 0,
    };
    this.spans.push(recorded);
    return {
      traceparent,
      set: (more) => void Object.assign(recorded.attributes, more),
      fail: (errorType) => void (recorded.errorType = errorType),
      end: () => void (recorded.ended += 1),
    };
  }
}
