/** spans waiting to be sent, per isolate; what comes beyond them is dropped and counted */
export const BUFFER_SPANS_MAX = 2_048;
/** spans in one call to the collector */
export const EXPORT_SPANS_MAX = 512;
/** what ends together is sent together; an object stays awake for it, so it is short */
export const LINGER_MS = 200;
/** a collector that takes longer is one that fails */
export const EXPORT_MS_MAX = 2_000;
/** calls under way in an isolate; at it spans wait for one of them to end */
const EXPORTS_MAX = 4;
/** after a failure nothing is sent, and what comes is dropped, for so long: a collector that hangs must not keep objects awake */
const PAUSE_MS = 10_000;

export interface SpanBufferPorts {
  /** rejects when the collector is away, late, or refuses; never takes longer than EXPORT_MS_MAX */
  post(spans: unknown[]): Promise<void>;
  delay(ms: number): Promise<void>;
  nowMs(): number;
  log(level: 'info' | 'warn', message: string, fields: Record<string, unknown>): void;
}

/**
 * Recorded spans of an isolate, on their way. Each request and each object that recorded one flushes in its own time, for the
 * platform ends a context's timers and calls with it: whoever comes first takes what there is, and nobody waits for another.
 */
export class SpanBuffer {
  readonly #ports: SpanBufferPorts;
  #spans: unknown[] = [];
  #dropped = 0;
  #failing = false;
  #pausedUntilMs = 0;
  /** when each call under way ends at the latest: one whose context was ended never says that it did */
  #exportsUntilMs: number[] = [];

  constructor(ports: SpanBufferPorts) {
    this.#ports = ports;
  }

  add(span: unknown): void {
    if (this.#spans.length < BUFFER_SPANS_MAX && this.#ports.nowMs() >= this.#pausedUntilMs) this.#spans.push(span);
    else this.#dropped += 1;
  }

  get size(): number {
    return this.#spans.length;
  }

  /** Sends what there is. Resolves within a linger and a few calls, whatever the collector does. Never rejects. */
  async flush(): Promise<void> {
    await this.#ports.delay(LINGER_MS);
    const untilMs = this.#ports.nowMs() + EXPORT_MS_MAX;
    while (this.#spans.length > 0 && this.#ports.nowMs() <= untilMs && this.#begin()) {
      const spans = this.#spans.splice(0, EXPORT_SPANS_MAX);
      await this.#send(spans);
    }
  }

  #begin(): boolean {
    const nowMs = this.#ports.nowMs();
    this.#exportsUntilMs = this.#exportsUntilMs.filter((untilMs) => untilMs > nowMs);
    return this.#exportsUntilMs.length < EXPORTS_MAX;
  }

  async #send(spans: unknown[]): Promise<void> {
    const untilMs = this.#ports.nowMs() + EXPORT_MS_MAX * 2;
    this.#exportsUntilMs.push(untilMs);
    try {
      await this.#ports.post(spans);
      this.#took();
    } catch (error) {
      this.#failed(spans.length, error);
    } finally {
      const at = this.#exportsUntilMs.indexOf(untilMs);
      if (at !== -1) this.#exportsUntilMs.splice(at, 1);
    }
  }

  #took(): void {
    if (this.#dropped === 0 && !this.#failing) return;
    this.#ports.log('warn', 'spans were dropped', { spans: this.#dropped });
    this.#failing = false;
    this.#dropped = 0;
  }

  #failed(spans: number, error: unknown): void {
    this.#dropped += spans + this.#spans.length;
    this.#spans = [];
    this.#pausedUntilMs = this.#ports.nowMs() + PAUSE_MS;
    if (!this.#failing) this.#ports.log('warn', 'the collector of traces does not take spans', { error: String(error) });
    this.#failing = true;
  }
}
