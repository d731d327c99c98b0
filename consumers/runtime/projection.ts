import type { Event, EventType } from '../../shared/core/types.ts';

/** An event as a read model gets it: proved by its schema, at least once, in no order at all. */
export interface Delivery {
  /** in the newest version of its type */
  event: Event;
  /** as it came, in the version that it was stamped with, where that is an older one: what an archive keeps */
  stored?: Event;
  /** epoch milliseconds at which JetStream stored the event */
  publishedAtMs: number;
}

/**
 * - `ok`: every statement of the event was acknowledged by the store.
 * - `poison`: it will never work; it becomes a dead letter at once. `reason` is a short code.
 * - `transient`: this event later; it counts as one of its deliveries.
 */
export type Outcome = { kind: 'ok' } | { kind: 'poison'; reason: string; detail: string } | { kind: 'transient'; detail: string };

/** A read model: all that one file has to say. The runtime pulls, retries, buries and drains. */
export interface Projection {
  /** the durable consumer's name, and the last token of the dead letters' subject */
  name: string;
  /** what it takes; 'all' includes types that nobody here knows yet, which become dead letters */
  types: readonly EventType[] | 'all';
  /**
   * One outcome per delivery, in their order. Idempotent and free of order: the same batch may come again, whole or in parts.
   * Throws when the batch as a whole failed: a StoreUnavailable is the store's fault; of anything else the runtime asks
   * `healthy` whether to blame the store or an event.
   */
  handle(batch: readonly Delivery[]): Promise<readonly Outcome[]>;
  /** batches that `handle` may be given before it is done with the first of them; absent: one */
  batchesAtOnce?: number;
  /** deliveries of one batch, where the store takes them within a second; absent: the runtime's own bound */
  batchEventsMax?: number;
  /** what it writes to, by OpenTelemetry's name of the system; absent: no database */
  database?: string;
  /** a batch that is not full waits so long for more; absent: it waits only while others are written, and at most for a moment */
  gatherMs?: number;
  /** can the store take writes right now? Never rejects. */
  healthy(): Promise<boolean>;
}
