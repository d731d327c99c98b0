import type { AdminResult } from '../../shared/contract/admin.ts';
import { isOf, letterAnswer, type StoredLetter } from './letter.ts';
import type { LetterBox } from './letter-box.ts';
import type { Deadline } from './responder.ts';

/** positions looked at in one reading: where letters are sparse it grows to the upper bound, so that many holes cost little */
const SPAN_MIN = 64;
const SPAN_MAX = 4_096;
/** a reading that would begin later than this before the answer is due is left to the next page */
const READING_MS = 700;
/** payloads looked into for what they say of themselves: more would be read only to be thrown away */
const PEEK_BYTES_MAX = 64 * 1024;

export interface PageQuery {
  tenant: string;
  consumer?: string | undefined;
  before?: number | undefined;
  limit: number;
}

/** Newest first. A page may be shorter than the limit, or empty: only `next` says that there may be older ones. */
export async function letterPage(
  box: LetterBox,
  { tenant, consumer, before, limit }: PageQuery,
  { untilMs }: Deadline,
): Promise<AdminResult<'deadLetters.list'>> {
  const { first, last } = await box.bounds();
  let to = Math.min(last, (before ?? Number.MAX_SAFE_INTEGER) - 1);
  let span = Math.max(SPAN_MIN, limit);
  const letters: StoredLetter[] = [];
  while (to >= first && letters.length < limit && Date.now() < untilMs - READING_MS) {
    const from = Math.max(first, to - span + 1);
    const found = (await box.headersBetween(from, to, consumer)).filter((letter) => isOf(letter, tenant));
    letters.push(...found.toReversed());
    to = from - 1;
    span = found.length === 0 ? Math.min(SPAN_MAX, span * 4) : Math.max(SPAN_MIN, limit);
  }
  const page = letters.slice(0, limit);
  const end = letters.length > limit ? (page.at(-1)?.position ?? 1) : to + 1;
  const items = await Promise.all(page.map(async (letter) => letterAnswer(await peeked(box, letter))));
  return { items, ...(end > first ? { next: end } : {}) };
}

/** With its payload, when that is small. One that goes meanwhile is shown as it was. */
async function peeked(box: LetterBox, letter: StoredLetter): Promise<StoredLetter> {
  if (letter.bytes === 0 || letter.bytes > PEEK_BYTES_MAX) return letter;
  return (await box.read(letter.position)) ?? letter;
}
