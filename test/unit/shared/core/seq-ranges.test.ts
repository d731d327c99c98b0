import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addRanges, contiguous, countOf, missingRanges, rangesOf, type SeqRange } from '../../../../shared/core/seq-ranges.ts';

const range = fc.tuple(fc.integer({ min: 1, max: 40 }), fc.nat(8)).map(([from, more]): SeqRange => [from, from + more]);
const anyRanges = fc.array(range, { maxLength: 12 });
/** sorted, disjoint and not touching, as they are kept */
const keptRanges = anyRanges.map((ranges) => addRanges([], ranges));

/** The model: a plain set of seqs. */
function setOf(ranges: readonly SeqRange[]): Set<number> {
  const seqs = new Set<number>();
  for (const [from, to] of ranges) for (let seq = from; seq <= to; seq += 1) seqs.add(seq);
  return seqs;
}

function assertKeptWell(ranges: readonly SeqRange[]): void {
  let before = Number.NEGATIVE_INFINITY;
  for (const [from, to] of ranges) {
    expect(from).toBeGreaterThan(before + 1);
    expect(to).toBeGreaterThanOrEqual(from);
    before = to;
  }
}

describe('seq ranges', () => {
  it('merge what touches or overlaps, in any order', () => {
    expect(
      addRanges(
        [[1, 2]],
        [
          [5, 6],
          [3, 4],
        ],
      ),
    ).toEqual([[1, 6]]);
    expect(addRanges([[1, 9]], [[2, 3]])).toEqual([[1, 9]]);
    expect(addRanges([[1, 1]], [[3, 3]])).toEqual([
      [1, 1],
      [3, 3],
    ]);
    expect(addRanges([], [])).toEqual([]);
  });

  it('addRanges is the union, sorted, disjoint, not touching, and leaves its arguments alone', () => {
    fc.assert(
      fc.property(keptRanges, anyRanges, (kept, added) => {
        const before = structuredClone({ kept, added });
        const merged = addRanges(kept, added);
        assertKeptWell(merged);
        expect(setOf(merged)).toEqual(new Set([...setOf(kept), ...setOf(added)].toSorted((a, b) => a - b)));
        expect({ kept, added }).toEqual(before);
        expect(addRanges(merged, added), 'adding twice is adding once').toEqual(merged);
      }),
    );
  });

  it('contiguous takes what follows the mark without a hole, and keeps the rest', () => {
    fc.assert(
      fc.property(fc.nat(30), keptRanges, (mark, ranges) => {
        const seqs = setOf(ranges);
        let reached = mark;
        while (seqs.has(reached + 1)) reached += 1;
        const result = contiguous(mark, ranges);
        expect(result.mark).toBe(reached);
        assertKeptWell(result.above);
        expect(setOf(result.above)).toEqual(new Set([...seqs].filter((seq) => seq > reached)));
      }),
    );
  });

  it('missingRanges is the complement in from…to', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 60 }), keptRanges, (from, to, held) => {
        const seqs = setOf(held);
        const expected: number[] = [];
        for (let seq = from; seq <= to; seq += 1) if (!seqs.has(seq)) expected.push(seq);
        const missing = missingRanges(from, to, held);
        assertKeptWell(missing);
        expect([...setOf(missing)]).toEqual(expected);
      }),
    );
  });

  it('rangesOf and countOf agree with the set', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 60 })), (seqs) => {
        const ranges = rangesOf(seqs);
        assertKeptWell(ranges);
        expect(setOf(ranges)).toEqual(new Set(seqs.toSorted((a, b) => a - b)));
        expect(countOf(ranges)).toBe(new Set(seqs).size);
      }),
    );
  });
});
