import { parseEvent } from '../../shared/contract/event-schema.ts';
import { eraseEvent } from '../../shared/core/event.ts';
import type { Event } from '../../shared/core/types.ts';
import { rowsOf } from '../projections/history.ts';
import type { HistoryScan, ScannedRow } from '../stores/history/scan.ts';
import { eventOf } from '../stores/history/rows.ts';
import { bucketOf, type CellsOf } from '../stores/history/tables.ts';
import type { RowState } from '../stores/history/row-difference.ts';
import type { Expected } from './expected.ts';
import { EXPECTED_IN_STREAM, IN_ARCHIVE, type Ledger } from './ledger.ts';

/** An event that the archive does not hold as it was accepted. */
export interface BadSeq {
  kind: 'missing' | 'different';
  detail: string;
  /** what lies there instead */
  found?: RowState;
}

export interface ArchiveLook {
  bad: Map<number, BadSeq>;
  /** rows that nobody accepted: their keys, and why */
  extra: { place: string; detail: string }[];
  /** content that is there and that the edge has erased */
  unerased: Map<number, RowState>;
  unverifiable: number;
  /** there is more of it than `findingsMax` */
  isCut: boolean;
}

export interface ArchiveBounds {
  /** when JetStream stored the oldest message that it still has, epoch milliseconds */
  streamFirstMs: number;
  findingsMax: number;
  /** what erases the event of this seq is on its way, or a dead letter */
  isErasureToCome: (seq: number) => Promise<boolean>;
}

/** Compares the archive's rows with the ledger, and folds what is right into what is expected. */
export async function lookAtArchive(
  scan: HistoryScan,
  ledger: Ledger,
  expected: Expected,
  bounds: ArchiveBounds,
): Promise<ArchiveLook> {
  const look: ArchiveLook = { bad: new Map(), extra: [], unerased: new Map(), unverifiable: 0, isCut: false };
  const isFull = (): boolean => look.bad.size + look.extra.length + look.unerased.size >= bounds.findingsMax;
  for await (const page of scan.rows(ledger.session, ledger.head, ['events'])) {
    for (const row of page) {
      if (isFull()) return { ...look, isCut: true };
      await lookAtRow(row, ledger, expected, look, bounds);
    }
  }
  return look;
}

async function lookAtRow(
  row: ScannedRow,
  ledger: Ledger,
  expected: Expected,
  look: ArchiveLook,
  { streamFirstMs, isErasureToCome }: ArchiveBounds,
): Promise<void> {
  const seq = Number(row.key['seq']);
  // the scan read the cells of this very table
  const cells: CellsOf<'events'> = row.cells;
  if (row.bucket !== undefined && row.bucket !== bucketOf('events', seq)) {
    return void look.extra.push({ place: String(seq), detail: `lies in bucket ${row.bucket}` });
  }
  if (seq < 1 || seq > ledger.head) return void look.extra.push({ place: String(seq), detail: `above the head ${ledger.head}` });
  const event = eventIn(cells);
  const bad = (detail: string): void => void look.bad.set(seq, { kind: 'different', detail, found: row });
  if (event === 'unreadable') return bad('cannot be read');
  // an erasure may have overtaken the event that it erases
  if (event === undefined) return void look.bad.set(seq, { kind: 'missing', detail: 'has no envelope', found: row });
  ledger.mark(seq, IN_ARCHIVE);
  const { publishedAt = 0, persistedAt = 0 } = cells;
  if (publishedAt > streamFirstMs) ledger.mark(seq, EXPECTED_IN_STREAM);
  const verdict = ledger.verdict(event, seq);
  if (verdict === 'different') return bad(`is ${event.type} ${event.id}, and not as it was accepted`);
  if (verdict === 'erased') return bad('is erased, and the edge has its content');
  if (publishedAt <= 0 || persistedAt <= 0) return bad('has no times');
  // by a digest its content is proved; without one it must be what its type says, or nothing can be made of it
  const isEvent = verdict === 'same' || parseEvent(event).ok;
  if (verdict === 'unverifiable' && !isEvent) return bad('is no event of its type');
  if (verdict === 'unverifiable') look.unverifiable += 1;
  if (verdict === 'unerased' && !(await isErasureToCome(seq))) look.unerased.set(seq, row);
  const taken = isEvent ? event : eraseEvent(event);
  await expected.take(taken, { publishedAtMs: publishedAt, persistedAtMs: persistedAt });
}

function eventIn(cells: CellsOf<'events'>): Event | 'unreadable' | undefined {
  try {
    return eventOf(cells);
  } catch {
    return 'unreadable';
  }
}

/** The archive row of an event: every cell at the event's clock. */
export function archivedRow(event: Event, publishedAtMs: number, persistedAtMs: number): RowState {
  const [archived] = rowsOf(event, { publishedAtMs, persistedAtMs });
  if (archived?.kind !== 'row') throw new Error('an event writes its archive row first');
  const cells = archived.cells as RowState['cells'];
  return { cells, clocks: Object.fromEntries(Object.keys(cells).map((cell) => [cell, archived.clock])) };
}
