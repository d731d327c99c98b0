import type { Receipt } from '../../shared/contract/internal.ts';
import { ATTR } from '../../shared/telemetry/attributes.ts';
import { TRACES_MAX, writeTraces, type TraceMark } from '../../shared/telemetry/trace-header.ts';
import { NO_TRACER, type Span, type Tracer } from '../../shared/telemetry/tracer.ts';

/** receipts on their way in a recorded trace; beyond it the oldest is ended as one that nobody followed */
const SPANS_MAX = 1_000;

interface OnItsWay {
  tenant: string;
  sessionId: string;
  seq: number;
  span: Span;
}

/** One span per event whose trace is recorded: from what became final to the answer of its Session. */
export class ReceiptSpans {
  readonly #tracer: Tracer;
  readonly #onTheirWay = new Map<string, OnItsWay>();

  constructor(tracer: Tracer = NO_TRACER) {
    this.#tracer = tracer;
  }

  begin(place: { tenant: string; sessionId: string; seq: number }, traceparent: string | undefined): void {
    const { tenant, sessionId, seq } = place;
    const key = `${tenant} ${sessionId} ${seq}`;
    if (this.#onTheirWay.has(key)) return;
    const span = this.#tracer.child('send receipt', traceparent, {
      kind: 'client',
      attributes: {
        [ATTR.httpMethod]: 'POST',
        [ATTR.httpRoute]: '/internal/receipts',
        [ATTR.tenant]: tenant,
        [ATTR.session]: sessionId,
        [ATTR.seq]: seq,
      },
    });
    if (span === undefined) return;
    this.#onTheirWay.set(key, { tenant, sessionId, seq, span });
    const [oldest] = this.#onTheirWay;
    if (this.#onTheirWay.size > SPANS_MAX && oldest !== undefined) this.#end(oldest, 'not_followed');
  }

  /** What the edge is told beside these receipts; undefined when no trace of theirs is recorded. */
  headerOf(receipts: readonly Receipt[]): string | undefined {
    if (this.#onTheirWay.size === 0) return undefined;
    const marks: TraceMark[] = [];
    for (const [index, receipt] of receipts.entries()) {
      for (const [, { seq, span }] of this.#of(receipt)) marks.push({ index, seq, traceparent: span.traceparent });
      if (marks.length >= TRACES_MAX) break;
    }
    return writeTraces(marks);
  }

  taken(receipts: readonly Receipt[]): void {
    if (this.#onTheirWay.size === 0) return;
    for (const receipt of receipts) for (const entry of this.#of(receipt)) this.#end(entry);
  }

  #of({ tenant, sessionId, seqs }: Receipt): [string, OnItsWay][] {
    return [...this.#onTheirWay].filter(
      ([, each]) =>
        each.sessionId === sessionId && each.tenant === tenant && seqs.some(([from, to]) => from <= each.seq && each.seq <= to),
    );
  }

  #end([key, { span }]: [string, OnItsWay], errorType?: string): void {
    if (errorType !== undefined) span.fail(errorType);
    span.end();
    this.#onTheirWay.delete(key);
  }
}
