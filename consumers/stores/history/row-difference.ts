import type { RowWrite, SessionKey } from './port.ts';
import type { ScannedRow } from './scan.ts';
import type { CellValue } from './tables.ts';

/** What a row holds beside what it should hold, and the writes that make it so. */

export type RowState = Pick<ScannedRow, 'cells' | 'clocks'>;

const EXCERPT_CHARS_MAX = 60;
/** differences named of one row */
const NAMED_MAX = 3;

/** Cells that differ. `isPartial`: what is there besides was written by events of which only the erased rest is known. */
export function differingCells(expected: RowState, found: RowState, isPartial: boolean): string[] {
  const names = new Set([...Object.keys(expected.cells), ...(isPartial ? [] : Object.keys(found.cells))]);
  return [...names].filter((name) => expected.cells[name] !== found.cells[name]);
}

export function differenceOf(expected: RowState, found: RowState, cells: readonly string[]): string {
  // the version first: what is written while it is looked at is then not the same in two looks
  const inOrder = cells.toSorted((a, b) => Number(b === 'version') - Number(a === 'version'));
  const said = inOrder
    .slice(0, NAMED_MAX)
    .map((name) => `${name} is ${excerpt(found.cells[name])} instead of ${excerpt(expected.cells[name])}`);
  return [...said, ...(cells.length > NAMED_MAX ? [`and ${cells.length - NAMED_MAX} cells more`] : [])].join('; ');
}

/**
 * Writes that bring these cells to what is expected: with their own clocks, or just above the clock of what lies there, for the
 * higher one wins. `aboveClock` is for what was deleted behind our back, which leaves no clock to be seen. A cell that should
 * not be there cannot be taken away. Undefined when a clock lies above `clockMax`: writes beyond it would win over edits to come.
 */
export function mendingWrites(
  row: Pick<ScannedRow, 'table' | 'key'>,
  session: SessionKey,
  { expected, found, cells }: { expected: RowState; found: RowState | undefined; cells: readonly string[] },
  { aboveClock = 0n, clockMax }: { aboveClock?: bigint; clockMax: bigint },
): RowWrite[] | undefined {
  const byClock = new Map<bigint, Record<string, CellValue>>();
  for (const cell of cells) {
    const value = expected.cells[cell];
    if (value === undefined) continue;
    const theirs = found?.clocks[cell];
    const clock = [expected.clocks[cell] ?? 0n, theirs === undefined ? aboveClock : theirs + 1n].reduce((a, b) =>
      a > b ? a : b,
    );
    if (clock > clockMax) return undefined;
    const same = byClock.get(clock) ?? {};
    byClock.set(clock, same);
    same[cell] = value;
  }
  return [...byClock].map(([clock, written]) => {
    // table, key and cells come from one row of that table
    return { kind: 'row', table: row.table, key: { ...session, ...row.key }, cells: written, clock } as RowWrite;
  });
}

function excerpt(value: CellValue | undefined): string {
  if (value === undefined) return 'absent';
  const text = typeof value === 'bigint' ? value.toString() : JSON.stringify(value);
  return text.length <= EXCERPT_CHARS_MAX ? text : `${text.slice(0, EXCERPT_CHARS_MAX - 1)}…`;
}
