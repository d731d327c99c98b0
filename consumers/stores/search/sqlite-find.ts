import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { compareHits, type SearchHit } from '../../../shared/contract/search.ts';
import { SEARCH_TOTAL_MAX } from '../../../shared/core/limits.ts';
import type { Clause } from '../../../shared/search/query.ts';
import { FIND_MS_MAX, type Found, type SearchQuestion } from './port.ts';
import { tablesOf } from './sqlite-schema.ts';
import { placeTerm } from './sqlite-write.ts';

/** above it only the filter keeps sessions apart, and not the index */
const PLACES_MAX = 100;
/** of a word in more messages behind a place than this only those written last are looked at */
const MATCHES_MAX = 50_000;
/** rows between two looks at the clock, after which others have their turn */
const ROWS_PER_TURN = 256;

/** Finds in one generation. Rejects when it takes longer than FIND_MS_MAX. */
export async function findIn(database: DatabaseSync, generation: number, question: SearchQuestion): Promise<Found> {
  const { sql, values } = selectionOf(generation, question);
  const first = new First(question.limit + 1);
  const untilMs = Date.now() + FIND_MS_MAX;
  let rows = 0;
  let behind = 0;
  // a statement of its own: others may be read between two turns
  for (const row of database.prepare(sql).iterate(...values)) {
    const hit = hitOf(row);
    rows += 1;
    // what is before the place takes no room of what is behind it: else every new message would push an old one out
    if (question.after === undefined || compareHits(hit, question.after) > 0) {
      first.take(hit);
      behind += 1;
      if (behind === MATCHES_MAX) break;
    }
    if (rows % ROWS_PER_TURN !== 0) continue;
    if (Date.now() > untilMs) throw new Error(`finding took longer than ${FIND_MS_MAX} ms`);
    await nextTurn();
  }
  const { hits } = first;
  return {
    hits: hits.slice(0, question.limit),
    more: hits.length > question.limit,
    total: Math.min(rows, SEARCH_TOTAL_MAX),
  };
}

function selectionOf(generation: number, question: SearchQuestion): { sql: string; values: SQLInputValue[] } {
  const { documents, words } = tablesOf(generation);
  const { tenant, sessions, clauses, author, sentAfterMs, sentBeforeMs } = question;
  const where = [`${words} MATCH ?`, 'tenant = ?', 'session_id IN (SELECT value FROM json_each(?))'];
  const values: SQLInputValue[] = [matchOf(question, clauses), tenant, JSON.stringify(sessions)];
  for (const [condition, value] of [
    ['author = ?', author],
    ['sent_at > ?', sentAfterMs],
    ['sent_at < ?', sentBeforeMs],
  ] as const) {
    if (value === undefined) continue;
    where.push(condition);
    values.push(value);
  }
  // the place of a term counts nothing in its rank
  const sql = `SELECT session_id, message_id, seq, sent_at, bm25(${words}, 0.0, 1.0) AS rank
    FROM ${words} JOIN ${documents} ON id = ${words}.rowid
    WHERE ${where.join(' AND ')} ORDER BY ${words}.rowid DESC`;
  return { sql, values };
}

/** In FTS5's own language; terms and places hold no quotes. */
function matchOf({ tenant, sessions }: SearchQuestion, clauses: readonly Clause[]): string {
  const phrases = clauses.map(({ terms, isPrefix }) => `(terms : "${terms.join(' ')}"${isPrefix ? ' *' : ''})`);
  if (sessions.length === 0 || sessions.length > PLACES_MAX) return phrases.join(' AND ');
  const places = sessions.map((sessionId) => `"${placeTerm({ tenant, sessionId })}"`);
  return [`(place : (${places.join(' OR ')}))`, ...phrases].join(' AND ');
}

function hitOf(row: Readonly<Record<string, unknown>>): SearchHit {
  return {
    sessionId: String(row['session_id']),
    messageId: String(row['message_id']),
    seq: Number(row['seq']),
    sentAtMs: Number(row['sent_at']),
    // FTS5 counts downwards
    score: -Number(row['rank']),
  };
}

/** The first so many of all that were taken, in their order. */
class First {
  #hits: SearchHit[] = [];
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  get hits(): SearchHit[] {
    return this.#cut();
  }

  take(hit: SearchHit): void {
    this.#hits.push(hit);
    // sorting now and then costs less than keeping order
    if (this.#hits.length >= 4 * this.#max + ROWS_PER_TURN) this.#hits = this.#cut();
  }

  #cut(): SearchHit[] {
    return this.#hits.toSorted(compareHits).slice(0, this.#max);
  }
}
