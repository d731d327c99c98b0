import { SEARCH_HIGHLIGHT_CHARS_MAX } from '../core/limits.ts';
import type { Clause } from './query.ts';
import { tokensOf, type Token } from './tokens.ts';

/** What a reader sees of a hit: HTML in which nothing but `<mark>` is markup. */

interface Mark {
  start: number;
  end: number;
}

const MARK_OPEN = '<mark>';
const MARK_CLOSE = '</mark>';
const CUT = '…';
const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/**
 * The part of the text with most of what was looked for, each of it between `<mark>` and `</mark>`; every other `<`, `>`, `&` and
 * quote is escaped. Without any mark when the text has nothing of it. `…` where the text goes on.
 */
export function highlight(text: string, clauses: readonly Clause[]): string {
  const marks = marksIn(text, clauses);
  const { start, end } = windowOf(text, marks);
  let html = start === 0 ? '' : CUT;
  let at = start;
  for (const mark of marks) {
    if (mark.start < start || mark.end > end) continue;
    html += `${escaped(text.slice(at, mark.start))}${MARK_OPEN}${escaped(text.slice(mark.start, mark.end))}${MARK_CLOSE}`;
    at = mark.end;
  }
  return `${html}${escaped(text.slice(at, end))}${end === text.length ? '' : CUT}`;
}

/** In their order, none touching another. */
function marksIn(text: string, clauses: readonly Clause[]): Mark[] {
  const tokens = [...tokensOf(text)];
  const found: Mark[] = [];
  for (const clause of clauses) {
    for (const at of tokens.keys()) {
      if (stands(tokens, at, clause)) {
        for (const index of clause.terms.keys()) found.push(markOf(tokens[at + index], index, clause));
      }
    }
  }
  const merged: Mark[] = [];
  for (const mark of found.toSorted((a, b) => a.start - b.start)) {
    const last = merged.at(-1);
    if (last !== undefined && mark.start <= last.end) last.end = Math.max(last.end, mark.end);
    else merged.push({ ...mark });
  }
  return merged;
}

function stands(tokens: readonly Token[], at: number, clause: Clause): boolean {
  return clause.terms.every((term, index) => {
    const there = tokens[at + index]?.term ?? '';
    return isBeginning(clause, index) ? there.startsWith(term) : there === term;
  });
}

function isBeginning({ terms, isPrefix }: Clause, index: number): boolean {
  return isPrefix && index === terms.length - 1;
}

function markOf(token: Token | undefined, index: number, clause: Clause): Mark {
  if (token === undefined) throw new RangeError('a clause stands on more tokens than there are');
  return { start: token.start, end: isBeginning(clause, index) ? token.end : token.reach };
}

/** Where most marks are, the first of such places, with as much before them as there is room for after. */
function windowOf(text: string, marks: readonly Mark[]): Mark {
  if (text.length <= SEARCH_HIGHLIGHT_CHARS_MAX) return { start: 0, end: text.length };
  let best: { first: Mark; count: number; end: number } | undefined;
  let behind = 0;
  for (const [from, first] of marks.entries()) {
    while ((marks[behind]?.end ?? Infinity) - first.start <= SEARCH_HIGHLIGHT_CHARS_MAX) behind += 1;
    const count = behind - from;
    if (count > (best?.count ?? 0)) best = { first, count, end: marks[behind - 1]?.end ?? first.end };
    // a mark longer than the window holds up no other
    behind = Math.max(behind, from + 1);
  }
  if (best === undefined) return cutAt(text, marks[0]?.start ?? 0);
  const { first, end } = best;
  const before = Math.floor((SEARCH_HIGHLIGHT_CHARS_MAX - (end - first.start)) / 2);
  return cutAt(text, Math.min(Math.max(0, first.start - before), text.length - SEARCH_HIGHLIGHT_CHARS_MAX));
}

/** A window from there on, no surrogate pair cut in two. */
function cutAt(text: string, from: number): Mark {
  const start = isLow(text, from) ? from + 1 : from;
  const end = Math.min(text.length, from + SEARCH_HIGHLIGHT_CHARS_MAX);
  return { start, end: isLow(text, end) ? end - 1 : end };
}

function isLow(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return at > 0 && unit >= 0xdc00 && unit <= 0xdfff;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
