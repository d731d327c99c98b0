import type { ScannedRow } from './scan.ts';

/** Rows of one table from two places, paired by their keys. Both come in the order of their keys. */
export async function* pairedRows(
  left: AsyncIterable<readonly ScannedRow[]>,
  right: AsyncIterable<readonly ScannedRow[]>,
): AsyncGenerator<{ left?: ScannedRow; right?: ScannedRow }> {
  const lefts = rowByRow(left);
  const rights = rowByRow(right);
  let one = await lefts.next();
  let other = await rights.next();
  while (one.done !== true || other.done !== true) {
    const order = one.done === true ? 1 : other.done === true ? -1 : compareKeys(one.value, other.value);
    yield {
      ...(order <= 0 && one.done !== true ? { left: one.value } : {}),
      ...(order >= 0 && other.done !== true ? { right: other.value } : {}),
    };
    const [nextOne, nextOther] = await Promise.all([order <= 0 ? lefts.next() : one, order >= 0 ? rights.next() : other]);
    one = nextOne;
    other = nextOther;
  }
}

async function* rowByRow(pages: AsyncIterable<readonly ScannedRow[]>): AsyncGenerator<ScannedRow> {
  for await (const page of pages) yield* page;
}

/** As the stores order them: numbers by value, text by its UTF-8 bytes. */
function compareKeys(a: ScannedRow, b: ScannedRow): number {
  for (const [name, part] of Object.entries(a.key)) {
    const other = b.key[name] ?? '';
    const order =
      typeof part === 'number' && typeof other === 'number'
        ? part - other
        : Buffer.compare(Buffer.from(String(part)), Buffer.from(String(other)));
    if (order !== 0) return order;
  }
  return 0;
}
