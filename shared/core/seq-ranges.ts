/** Sorted, disjoint, non-touching closed ranges of seqs: how receipts are kept (design decision 3). */
export type SeqRange = readonly [from: number, to: number];

/** Adds ranges in any order, overlapping or repeated. */
export function addRanges(ranges: readonly SeqRange[], added: readonly SeqRange[]): SeqRange[] {
  const all = [...ranges, ...added].toSorted((a, b) => a[0] - b[0]);
  const merged: SeqRange[] = [];
  for (const [from, to] of all) {
    const last = merged.at(-1);
    if (last !== undefined && from <= last[1] + 1) merged[merged.length - 1] = [last[0], Math.max(last[1], to)];
    else merged.push([from, to]);
  }
  return merged;
}

/** The highest seq up to which nothing is missing, starting above `mark`, and the ranges left above it. */
export function contiguous(mark: number, ranges: readonly SeqRange[]): { mark: number; above: SeqRange[] } {
  let reached = mark;
  const above: SeqRange[] = [];
  for (const [from, to] of ranges) {
    if (from <= reached + 1) reached = Math.max(reached, to);
    else above.push([from, to]);
  }
  return { mark: reached, above };
}

/** What is missing of from…to. */
export function missingRanges(from: number, to: number, held: readonly SeqRange[]): SeqRange[] {
  const missing: SeqRange[] = [];
  let next = from;
  for (const [start, end] of held) {
    if (end < next) continue;
    if (start > to) break;
    if (start > next) missing.push([next, start - 1]);
    next = end + 1;
  }
  if (next <= to) missing.push([next, to]);
  return missing;
}

export function rangesOf(seqs: Iterable<number>): SeqRange[] {
  return addRanges(
    [],
    [...seqs].map((seq): SeqRange => [seq, seq]),
  );
}

export function seqsOf([from, to]: SeqRange): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_none, index) => from + index);
}

export function countOf(ranges: readonly SeqRange[]): number {
  return ranges.reduce((sum, [from, to]) => sum + to - from + 1, 0);
}
