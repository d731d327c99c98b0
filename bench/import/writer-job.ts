import type { Event } from '../../shared/core/types.ts';
import type { TargetName } from './targets.ts';
import type { Writer } from './writer.ts';

export type WriterJob =
  | { kind: 'write'; target: TargetName; events: number; inFlight: number }
  | { kind: 'count'; target: TargetName }
  /** a read model of the same types that stores nothing, until it has so many */
  | { kind: 'read'; target: TargetName; events: number };

export type WriterAnswer =
  | { kind: 'written'; events: number; writes: number; ms: number }
  | { kind: 'counted'; count: number }
  | { kind: 'read'; events: number; ms: number }
  | { kind: 'error'; message: string };

/** The writes of some events, and how many of these write anything. */
export function numbersOf<W>(writer: Pick<Writer<W>, 'writesOf'>, events: readonly Event[]): { taken: number; writes: W[] } {
  const each = events.map((event) => writer.writesOf(event));
  return { taken: each.filter((writes) => writes.length > 0).length, writes: each.flat() };
}
