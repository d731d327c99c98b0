import type { Deadline } from './responder.ts';
import type { StoredMessage, StreamReader } from './stream-reader.ts';

/** positions looked at in one reading: where messages are sparse it grows to the upper bound, so that many holes cost little */
const SPAN_MIN = 64;
const SPAN_MAX = 4_096;
/** a reading that would begin later than this before the answer is due is left to the next page */
const READING_MS = 700;

export interface Walk {
  limit: number;
  /** of one subject only */
  subject?: string | undefined;
  /** what of it is wanted */
  keep: (message: StoredMessage) => boolean;
  headersOnly?: true;
}

/** Newest first below `before`. `next` is the `before` to go on with, there where older ones may be, however few were found. */
export async function walkBack(
  reader: StreamReader,
  { before, limit, keep, ...options }: Walk & { before?: number | undefined },
  { untilMs }: Deadline,
): Promise<{ found: StoredMessage[]; next?: number }> {
  const { first, last } = await reader.bounds();
  let to = Math.min(last, (before ?? Number.MAX_SAFE_INTEGER) - 1);
  let span = Math.max(SPAN_MIN, limit);
  const found: StoredMessage[] = [];
  while (to >= first && found.length < limit && Date.now() < untilMs - READING_MS) {
    const from = Math.max(first, to - span + 1);
    const kept = (await reader.between(from, to, options)).filter(keep);
    found.push(...kept.toReversed());
    to = from - 1;
    span = nextSpan(span, kept.length, limit);
  }
  const page = found.slice(0, limit);
  const end = found.length > limit ? (page.at(-1)?.position ?? 1) : to + 1;
  return { found: page, ...(end > first ? { next: end } : {}) };
}

/** Oldest first above `after`, up to `until`. `next` is the `after` to go on with. */
export async function walkOn(
  reader: StreamReader,
  { after, until, limit, keep, ...options }: Walk & { after: number; until: number },
  { untilMs }: Deadline,
): Promise<{ found: StoredMessage[]; next?: number }> {
  const { first } = await reader.bounds();
  let from = Math.max(first, after + 1);
  let span = Math.max(SPAN_MIN, limit);
  const found: StoredMessage[] = [];
  while (from <= until && found.length < limit && Date.now() < untilMs - READING_MS) {
    const to = Math.min(until, from + span - 1);
    const kept = (await reader.between(from, to, options)).filter(keep);
    found.push(...kept);
    from = to + 1;
    span = nextSpan(span, kept.length, limit);
  }
  const page = found.slice(0, limit);
  const end = found.length > limit ? (page.at(-1)?.position ?? 0) : from - 1;
  return { found: page, ...(end < until ? { next: end } : {}) };
}

function nextSpan(span: number, found: number, limit: number): number {
  return found === 0 ? Math.min(SPAN_MAX, span * 4) : Math.max(SPAN_MIN, limit);
}
