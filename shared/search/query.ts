import { SEARCH_QUERY_CODE_POINTS_MAX, SEARCH_TERMS_MAX } from '../core/limits.ts';
import { codePoints } from '../core/text.ts';
import { tokensOf } from './tokens.ts';

/** Terms that have to stand side by side. */
export interface Clause {
  /** the part of the query as it was written */
  text: string;
  terms: readonly string[];
  /** the last term only has to begin so: a character of which the text has pairs */
  isPrefix: boolean;
}

/** A message is found when it has every clause. */
export type ParsedQuery = { ok: true; clauses: readonly Clause[] } | { ok: false; detail: string };

/** Words, and phrases between straight or curly quotes; a quote that is not closed goes on to the end. */
const PARTS = /["“”„](?<phrase>[^"“”„]*)(?:["“”„]|$)|(?<word>[^\s"“”„]+)/gu;

export function parseQuery(query: string): ParsedQuery {
  if (codePoints(query, SEARCH_QUERY_CODE_POINTS_MAX) > SEARCH_QUERY_CODE_POINTS_MAX) {
    return { ok: false, detail: `q must have at most ${SEARCH_QUERY_CODE_POINTS_MAX} code points.` };
  }
  const clauses = new Map<string, Clause>();
  for (const { groups = {} } of query.matchAll(PARTS)) {
    const clause = clauseOf(groups['phrase'] ?? groups['word'] ?? '');
    if (clause !== undefined) clauses.set(`${clause.terms.join(' ')}${clause.isPrefix ? '*' : ''}`, clause);
  }
  const terms = [...clauses.values()].reduce((sum, clause) => sum + clause.terms.length, 0);
  if (terms === 0) return { ok: false, detail: 'q must have at least one word.' };
  if (terms > SEARCH_TERMS_MAX) return { ok: false, detail: `q must have at most ${SEARCH_TERMS_MAX} words.` };
  return { ok: true, clauses: [...clauses.values()] };
}

/** Undefined where there is nothing to find. */
function clauseOf(text: string): Clause | undefined {
  const tokens = [...tokensOf(text)];
  const last = tokens.at(-1);
  if (last === undefined) return undefined;
  // in a text more characters may follow: it has a pair there, not this one
  const kept = last.tail === 'last' ? tokens.slice(0, -1) : tokens;
  return { text, terms: kept.map(({ term }) => term), isPrefix: last.tail === 'alone' };
}
