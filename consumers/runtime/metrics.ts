/** What a process of the consumers tells of its work to whoever measures. No call may throw or wait. */
export interface Metrics {
  /** a batch came to its end: acknowledged, buried or given back */
  batch(consumer: string, events: number, tookMs: number): void;
  /** a sink failed: `unavailable` is the store's fault, `bug` an event's or ours */
  sinkFailed(consumer: string, kind: SinkFailure): void;
  /** a batch begins to wait for a store that fails (1), or no longer does (-1) */
  waiting(consumer: string, change: 1 | -1): void;
  /** a dead letter was stored */
  buried(consumer: string, reason: string): void;
  /** an edge took a receipt; of the oldest event in it: since JetStream stored it */
  receiptTaken(ageMs: number): void;
  /** a part of this process, by name: is it running? */
  partUp(part: string, isUp: boolean): void;
}

export type SinkFailure = 'unavailable' | 'bug';

/** Nobody measures. */
export const NO_METRICS: Metrics = {
  batch() {},
  sinkFailed() {},
  waiting() {},
  buried() {},
  receiptTaken() {},
  partUp() {},
};
