import type { Span, TraceAnswer, WholeEvent } from '../wire.ts';

/** A trace with the spans that are loaded, in the order of their start. */
export interface ClientTrace extends TraceAnswer {
  spans: readonly Span[];
}

/** Traces as pages and events bring them: every write is a whole value, so that their order does not matter. */
export class TraceList {
  readonly #traces = new Map<string, ClientTrace>();
  #sorted: readonly ClientTrace[] | undefined;

  clear(): void {
    this.#traces.clear();
    this.#sorted = undefined;
  }

  get(id: string): ClientTrace | undefined {
    return this.#traces.get(id);
  }

  /** Newest first. */
  all(): readonly ClientTrace[] {
    return (this.#sorted ??= [...this.#traces.values()].sort((a, b) => (a.startedAt < b.startedAt ? 1 : -1)));
  }

  merge(traces: readonly TraceAnswer[]): void {
    for (const trace of traces)
      this.#put({ ...this.#traces.get(trace.id), ...trace, spans: this.#traces.get(trace.id)?.spans ?? [] });
  }

  mergeSpans(id: string, spans: readonly Span[]): void {
    const trace = this.#traces.get(id);
    if (trace === undefined) return;
    const byId = new Map(trace.spans.map((span) => [span.spanId, span]));
    for (const span of spans) byId.set(span.spanId, { ...byId.get(span.spanId), ...span });
    const spanCount = Math.max(trace.spanCount, byId.size);
    this.#put({ ...trace, spanCount, spans: [...byId.values()].sort((a, b) => (a.startedAt < b.startedAt ? -1 : 1)) });
  }

  apply(event: WholeEvent): void {
    if (event.type === 'trace.started') {
      const { id, name, metadata } = event.data;
      const known = this.#traces.get(id);
      this.#put({
        spans: [],
        spanCount: 0,
        ...known,
        id,
        sessionId: event.sessionid,
        seq: event.seq,
        author: {
          id: event.actor,
          ...(event.actorname === undefined ? {} : { name: event.actorname }),
          kind: event.actorkind,
        },
        name,
        metadata,
        status: known?.status ?? 'running',
        startedAt: event.time,
      });
    } else if (event.type === 'trace.span') this.mergeSpans(event.data.traceId, [event.data.span]);
    else if (event.type === 'trace.finished') {
      const { id, status, error, durationMs } = event.data;
      const known = this.#traces.get(id);
      if (known === undefined) return;
      this.#put({ ...known, status, durationMs, finishedAt: event.time, ...(error === undefined ? {} : { error }) });
    } else if (event.type === 'trace.purged') {
      this.#traces.delete(event.data.id);
      this.#sorted = undefined;
    }
  }

  #put(trace: ClientTrace): void {
    this.#traces.set(trace.id, trace);
    this.#sorted = undefined;
  }
}
