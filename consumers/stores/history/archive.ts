import { bucketOf, type CellsOf } from './tables.ts';
import type { RowWrite, SessionKey } from './port.ts';
import type { Event } from '../../../shared/core/types.ts';
import { eventOf } from './rows.ts';

/** The archive of whole events by the time at which it was written, and from end to end; and what readers of the stream noted. */

export const HOUR_MS = 3_600_000;
/** hours of `touched` that are kept; whoever missed more reads the whole archive */
export const TOUCHED_HOURS_KEPT = 60 * 24;
/** events of one page, so that what a reader holds is bounded */
export const ARCHIVE_PAGE_EVENTS = 64;

/** A part of a session's archive that was written to. */
export interface Touched extends SessionKey {
  /** the seqs of the part, div this many (tables.ts, events) */
  bucket: number;
}

export interface ArchivedEvent {
  /** whole, or erased */
  event: Event;
  /** epoch milliseconds: when JetStream stored it, and when it was last written here */
  publishedAtMs: number;
  persistedAtMs: number;
}

export interface ArchivePlace extends SessionKey {
  seq: number;
}

export interface ArchivePage {
  events: readonly ArchivedEvent[];
  /** rows that hold no event, or another one than their place says: a reader names them and goes on */
  unreadable: readonly ArchivePlace[];
}

/**
 * `touched` is kept by the hour in which an event was *written*, by the writer's clock, and not by the event's own time or that
 * of its publishing: an hour that is past gets no more entries, so a reader is done with it; and what was published in an
 * hour was written in that hour or later, however long it lay in between. An entry is there before the events that it speaks of.
 */
export interface Archive {
  /** What was written to in an hour (epoch milliseconds div HOUR_MS), a page at a time, each once, in no order. */
  touched(hour: number): AsyncIterable<readonly Touched[]>;
  /** The events of such a part, a page at a time, in order of seq. */
  eventsOf(part: Touched): AsyncIterable<ArchivePage>;
  /** Every event of every session, a page at a time, in no order. `done`: which part of it is read, in 0…1. */
  scanEvents(): AsyncIterable<ArchivePage & { done: number }>;
  /** What was last noted under a name; undefined: nothing. */
  readNote(name: string): Promise<string | undefined>;
  /** Resolves once it is durable. Of two at a time one stays. */
  writeNote(name: string, note: string): Promise<void>;
}

export interface TouchedHour extends Touched {
  hour: number;
}

/** What a write touches: only whole events, for an erasure adds nothing to a reader who is behind. */
export function touchedBy(row: RowWrite): TouchedHour | undefined {
  if (row.table !== 'events' || row.cells.envelope === undefined || row.cells.persistedAt === undefined) return undefined;
  const { tenant, sessionId, seq } = row.key;
  return { tenant, sessionId, bucket: bucketOf('events', seq), hour: Math.floor(row.cells.persistedAt / HOUR_MS) };
}

/** Rows whose envelope has not come are left out. Undefined: nothing is left of them. */
export function pageOf(rows: readonly { place: ArchivePlace; cells: CellsOf<'events'> }[]): ArchivePage | undefined {
  const events: ArchivedEvent[] = [];
  const unreadable: ArchivePlace[] = [];
  for (const { place, cells } of rows) {
    const event = eventAt(place, cells);
    if (event === 'unreadable') unreadable.push(place);
    if (event === 'unreadable' || event === undefined) continue;
    const { publishedAt = Date.parse(event.time), persistedAt = publishedAt } = cells;
    events.push({ event, publishedAtMs: publishedAt, persistedAtMs: persistedAt });
  }
  return events.length + unreadable.length === 0 ? undefined : { events, unreadable };
}

function eventAt({ tenant, sessionId, seq }: ArchivePlace, cells: CellsOf<'events'>): Event | 'unreadable' | undefined {
  let event: Event | undefined;
  try {
    event = eventOf(cells);
  } catch {
    return 'unreadable';
  }
  if (event === undefined) return undefined;
  // whatever else is wrong with it, the runtime finds by its schema and makes a dead letter of it
  return event.tenant === tenant && event.sessionid === sessionId && event.seq === seq ? event : 'unreadable';
}

/** entries remembered by one process; beyond it the oldest are forgotten, and written once more */
const REMEMBERED_MAX = 50_000;

/** Which entries of `touched` are known to be durable, so that they are not written again for every event. */
export class TouchedMemory {
  readonly #known = new Set<string>();
  readonly #max: number;

  constructor(max = REMEMBERED_MAX) {
    this.#max = max;
  }

  /** What these rows touch and nobody here knows to be durable, each once. */
  unknownOf(rows: readonly RowWrite[]): TouchedHour[] {
    const unknown = new Map<string, TouchedHour>();
    for (const row of rows) {
      const touched = touchedBy(row);
      if (touched === undefined) continue;
      const name = nameOf(touched);
      if (!this.#known.has(name)) unknown.set(name, touched);
    }
    return [...unknown.values()];
  }

  add(durable: readonly TouchedHour[]): void {
    for (const touched of durable) this.#known.add(nameOf(touched));
    for (const oldest of this.#known) {
      if (this.#known.size <= this.#max) return;
      this.#known.delete(oldest);
    }
  }
}

function nameOf({ hour, tenant, sessionId, bucket }: TouchedHour): string {
  return `${hour} ${bucket} ${tenant} ${sessionId}`;
}
