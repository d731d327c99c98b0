import type { Event } from '../../shared/core/types.ts';

/**
 * The driver alone: the same writes as the read model's, without stream, parsing, receipts or looks for deletions. Writes are
 * made beforehand by the read model's own pure functions, so that only the store is measured.
 */
export interface Writer<W> {
  /** What an event writes; none: the read model does not take its type. */
  writesOf(event: Event): W[];
  /** Resolves once all of it is as durable as the read model wants it. */
  write(writes: readonly W[], inFlight: number): Promise<void>;
  /** How many events or documents the store holds. */
  count(): Promise<number>;
  close(): Promise<void>;
}

/** Parts of at most so many. */
export function* partsOf<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
}
