import type { AuditSubject, ModelFinding, ReadModelAudit } from '../runtime/read-model.ts';
import type { HistoryStore } from '../stores/history/port.ts';
import { differenceOf, differingCells, mendingWrites, type RowState } from '../stores/history/row-difference.ts';
import { pairedRows } from '../stores/history/row-merge.ts';
import type { HistoryScan, ScannedRow } from '../stores/history/scan.ts';
import {
  bucketOf,
  ERASED_CELLS,
  HISTORY_TABLES,
  seqPartOf,
  type CellValue,
  type HistoryTable,
  type TableDescription,
} from '../stores/history/tables.ts';

/** clocks of the edge and of this machine may differ by so much; a cell's clock beyond it is nobody's */
const CLOCK_AHEAD_MS_MAX = 60_000;
const MICROSECONDS_PER_MS = 1_000n;

const OF_THE_FUTURE = 'no event wrote it: its clock lies in the future';

/** all but the archive itself, which is compared event by event */
const DERIVED = (Object.keys(HISTORY_TABLES) as HistoryTable[]).filter((table) => table !== 'events');

/** Compares the rows that pages and lists are made of with those that the archive's events should have made. */
export function historyAudit(scan: HistoryScan, openStore: () => Promise<HistoryStore>, now: () => number): ReadModelAudit {
  let opened: Promise<HistoryStore> | undefined;
  const store = async (): Promise<HistoryStore> => await (opened ??= openStore());
  const writing = rowMender(store, now);
  return {
    async *look(subject) {
      for (const table of DERIVED) {
        const pairs = pairedRows(subject.expectedRows([table]), scan.rows(subject, subject.head, [table]));
        for await (const { left, right } of pairs) {
          const finding = await findingOf(subject, left, right, clockMaxAt(now));
          if (finding === undefined) continue;
          const { row, expected, cells, ...said } = finding;
          const mends =
            expected === undefined || said.kind === 'extra'
              ? undefined
              : writing(subject, row, { expected, found: right, cells });
          yield { ...said, ...(mends === undefined ? {} : { mend: mends }) };
        }
      }
    },
    async close() {
      await scan.close();
      if (opened !== undefined) await (await opened).close();
    },
  };
}

function clockMaxAt(now: () => number): bigint {
  return BigInt(now() + CLOCK_AHEAD_MS_MAX) * MICROSECONDS_PER_MS;
}

export type MendRow = (
  subject: Pick<AuditSubject, 'tenant' | 'sessionId'>,
  row: Pick<ScannedRow, 'table' | 'key'>,
  wanted: { expected: RowState; found: RowState | undefined; cells: readonly string[] },
) => (attempt: number) => Promise<void>;

/** Writes rows as they should be. What was deleted behind our back may hide the first attempt: the next is newer than the audit. */
export function rowMender(store: () => Promise<HistoryStore>, now: () => number): MendRow {
  const beganAt = BigInt(now()) * MICROSECONDS_PER_MS;
  return ({ tenant, sessionId }, row, wanted) =>
    async (attempt) => {
      const bounds = { clockMax: clockMaxAt(now), ...(attempt > 1 ? { aboveClock: beganAt } : {}) };
      const writes = mendingWrites(row, { tenant, sessionId }, wanted, bounds);
      if (writes !== undefined) await (await store()).write(writes);
    };
}

interface RowFinding extends Omit<ModelFinding, 'mend'> {
  row: ScannedRow;
  expected?: RowState;
  cells: readonly string[];
}

async function findingOf(
  subject: AuditSubject,
  expected: ScannedRow | undefined,
  found: ScannedRow | undefined,
  clockMax: bigint,
): Promise<RowFinding | undefined> {
  if (found !== undefined && lostItsWay(found))
    return { ...extra(found, `lies in bucket ${found.bucket}`), row: found, cells: [] };
  if (subject.isDeleted && (found ?? expected)?.table !== 'sessions') return residueOf(found);
  if (expected === undefined) {
    if (found === undefined) return undefined;
    const isOfNobody = Object.values(found.clocks).some((clock) => clock > clockMax);
    // an event that is missing may have written it
    if (subject.isIncomplete && !isOfNobody) return undefined;
    return { ...extra(found, isOfNobody ? OF_THE_FUTURE : 'no event wrote it'), row: found, cells: [] };
  }
  const place = placeOf(expected);
  if (found === undefined) {
    return { kind: 'missing', place, detail: 'is not there', row: expected, expected, cells: Object.keys(expected.cells) };
  }
  let cells = differingCells(expected, found, subject.isDeleted);
  if (cells.length > 0 && (await isMadeErased(subject, expected))) cells = differingCells(expected, found, true);
  if (subject.isIncomplete) cells = cells.filter((cell) => !isOfAnother(cell, expected, found, clockMax));
  if (cells.length === 0) return undefined;
  return { kind: 'different', place, detail: differenceOf(expected, found, cells), row: expected, expected, cells };
}

function lostItsWay({ table, bucket, key }: ScannedRow): boolean {
  return bucket !== undefined && bucket !== bucketOf(table, Number(Object.values(key)[0]));
}

/** An event wrote the cell that is missing: after those that are known, or alone. What lies in the future no event wrote. */
function isOfAnother(cell: string, expected: RowState, found: RowState, clockMax: bigint): boolean {
  const ours = expected.clocks[cell];
  const theirs = found.clocks[cell] ?? 0n;
  return theirs <= clockMax && (ours === undefined || theirs > ours);
}

/** Of a deleted session nothing is known but that its content is gone. */
function residueOf(found: ScannedRow | undefined): RowFinding | undefined {
  if (found === undefined) return undefined;
  const cells: Readonly<Record<string, CellValue>> = ERASED_CELLS[found.table] ?? {};
  const left = Object.keys(cells).filter((cell) => found.cells[cell] !== undefined && found.cells[cell] !== cells[cell]);
  if (left.length === 0) return undefined;
  const expected = { cells, clocks: {} };
  return {
    kind: 'different',
    place: placeOf(found),
    detail: 'holds content of a deleted session',
    row: found,
    expected,
    cells: left,
  };
}

function extra(found: ScannedRow, detail: string): Omit<ModelFinding, 'mend'> {
  return { kind: 'extra', place: placeOf(found), detail };
}

function placeOf({ table, rowKey }: ScannedRow): string {
  return rowKey === undefined ? table : `${table} ${rowKey}`;
}

/** The event that made the row is erased: only what later events wrote of it is known. */
async function isMadeErased(subject: AuditSubject, row: ScannedRow): Promise<boolean> {
  const { rowKey }: TableDescription = HISTORY_TABLES[row.table];
  const seq = seqPartOf(row.table)?.name === 'seq' && rowKey.length === 1 ? row.key['seq'] : undefined;
  return typeof seq === 'number' && (await subject.isErased(seq));
}
