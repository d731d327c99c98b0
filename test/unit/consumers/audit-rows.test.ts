import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { differenceOf, differingCells, mendingWrites, type RowState } from '../../../consumers/stores/history/row-difference.ts';
import { pairedRows } from '../../../consumers/stores/history/row-merge.ts';
import type { ScannedRow } from '../../../consumers/stores/history/scan.ts';
import { openSqliteScan } from '../../../consumers/stores/history/sqlite-scan.ts';
import { openSqliteHistory } from '../../../consumers/stores/history/sqlite.ts';

const SESSION = { tenant: 'default', sessionId: 's1' };
const CLOCK_MAX = 10n ** 15n;

const cellsOf = (cells: Record<string, [value: string | number, clock: bigint]>): RowState => ({
  cells: Object.fromEntries(Object.entries(cells).map(([name, [value]]) => [name, value])),
  clocks: Object.fromEntries(Object.entries(cells).map(([name, [, clock]]) => [name, clock])),
});

describe('a row beside what it should be', () => {
  const expected = cellsOf({ text: ['right', 5n], ordinal: [1, 3n] });
  it.each<[string, RowState, boolean, string[]]>([
    ['the same', expected, false, []],
    ['the same with other clocks', cellsOf({ text: ['right', 9n], ordinal: [1, 9n] }), false, []],
    ['a cell too few', cellsOf({ text: ['right', 5n] }), false, ['ordinal']],
    ['another value', cellsOf({ text: ['wrong', 5n], ordinal: [1, 3n] }), false, ['text']],
    ['a cell too many', cellsOf({ text: ['right', 5n], ordinal: [1, 3n], editedAt: ['t', 6n] }), false, ['editedAt']],
    ['a cell of an erased event', cellsOf({ text: ['right', 5n], ordinal: [1, 3n], editedAt: ['t', 6n] }), true, []],
  ])('%s', (_what, found, isPartial, cells) => {
    expect(differingCells(expected, found, isPartial)).toEqual(cells);
  });

  it('is described by some of its cells, cut short', () => {
    const found = cellsOf({ text: ['x'.repeat(500), 5n] });
    const said = differenceOf(expected, found, ['text', 'ordinal', 'a', 'b', 'c']);
    expect(said).toMatch(/^text is "x{58}… instead of "right"; ordinal is absent instead of 1; .*; and 2 cells more$/);
  });

  it('is not mended above a clock that edits to come must be able to reach', () => {
    const found = cellsOf({ text: ['wrong', CLOCK_MAX] });
    const row = { table: 'messages', key: { seq: 2 } } as const;
    expect(mendingWrites(row, SESSION, { expected, found, cells: ['text'] }, { clockMax: CLOCK_MAX })).toBeUndefined();
  });
});

describe('mending', () => {
  let directory: string;
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'millrace-mend-'))));
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it('makes any row what it should be, and leaves room for the next edit', async () => {
    const clock = fc.bigInt({ min: 1n, max: 1_000n });
    const cell = fc.tuple(fc.string({ maxLength: 3 }), clock);
    const names = ['text', 'status', 'editedAt'] as const;
    const row = fc.dictionary(fc.constantFrom(...names), cell, { maxKeys: 3 });
    let seq = 0;
    const path = join(directory, 'history.db');
    const store = openSqliteHistory({ path, writes: true, isPassing: true });
    const scan = openSqliteScan(path);
    const read = async (): Promise<ScannedRow | undefined> => {
      for await (const page of scan.rows(SESSION, seq, ['messages']))
        for (const each of page) if (each.key['seq'] === seq) return each;
      return undefined;
    };
    await fc.assert(
      fc.asyncProperty(
        row,
        fc.dictionary(fc.constantFrom(...names), cell, { minKeys: 1, maxKeys: 3 }),
        async (before, wanted) => {
          seq += 1;
          const key = { ...SESSION, seq };
          for (const [name, [value, at]] of Object.entries(before)) {
            await store.write([{ kind: 'row', table: 'messages', key, cells: { [name]: value }, clock: at }]);
          }
          const expected = cellsOf(wanted);
          const found = await read();
          const cells = found === undefined ? Object.keys(expected.cells) : differingCells(expected, found, true);
          const writes = mendingWrites(
            { table: 'messages', key: { seq } },
            SESSION,
            { expected, found, cells },
            { clockMax: CLOCK_MAX },
          );
          await store.write(writes ?? []);
          const after = await read();
          expect(after?.cells).toMatchObject(expected.cells);
          // nothing is written above both what lay there and what it should be
          for (const name of Object.keys(expected.cells)) {
            const most = [found?.clocks[name] ?? 0n, expected.clocks[name] ?? 0n].reduce((a, b) => (a > b ? a : b));
            expect((after?.clocks[name] ?? 0n) <= most + 1n).toBe(true);
          }
        },
      ),
      { numRuns: 60 },
    );
    await scan.close();
    await store.close();
  });
});

describe('rows from two places', () => {
  it('are paired by their keys, in order, whatever the pages are', async () => {
    const rows = (keys: readonly (readonly [number, string])[]): ScannedRow[] =>
      keys.map(([messageSeq, emoji]) => ({ table: 'reactions', key: { messageSeq, emoji }, cells: {}, clocks: {} }));
    const inOrder = (keys: readonly (readonly [number, string])[]) =>
      keys.toSorted((a, b) => a[0] - b[0] || Buffer.compare(Buffer.from(a[1]), Buffer.from(b[1])));
    // code units and UTF-8 order these two differently
    const key = fc.tuple(fc.nat(3), fc.constantFrom('a', '\uffff', '😀', 'b'));
    const side = fc.uniqueArray(key, { selector: ([seq, emoji]) => `${seq} ${emoji}`, maxLength: 12 }).map(inOrder);
    async function* paged(all: ScannedRow[], size: number): AsyncGenerator<ScannedRow[]> {
      for (let at = 0; at < all.length; at += size) yield await Promise.resolve(all.slice(at, at + size));
    }
    await fc.assert(
      fc.asyncProperty(side, side, fc.integer({ min: 1, max: 5 }), async (left, right, size) => {
        const name = ({ key: of }: ScannedRow): string => `${of['messageSeq']} ${of['emoji']}`;
        const pairs: string[] = [];
        for await (const pair of pairedRows(paged(rows(left), size), paged(rows(right), size + 1))) {
          pairs.push(`${pair.left === undefined ? '-' : name(pair.left)}|${pair.right === undefined ? '-' : name(pair.right)}`);
        }
        const [ofLeft, ofRight] = [left, right].map((keys) => new Set(keys.map(([seq, emoji]) => `${seq} ${emoji}`)));
        const all = inOrder([...new Map([...left, ...right].map((each) => [each.join(' '), each])).values()]).map((each) =>
          each.join(' '),
        );
        expect(pairs).toEqual(
          all.map((each) => `${ofLeft?.has(each) === true ? each : '-'}|${ofRight?.has(each) === true ? each : '-'}`),
        );
      }),
    );
  });
});
