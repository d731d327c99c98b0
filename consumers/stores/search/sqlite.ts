import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { compareHits, type SearchHit } from '../../../shared/contract/search.ts';
import { SEARCH_TOTAL_MAX } from '../../../shared/core/limits.ts';
import type { Clause } from '../../../shared/search/query.ts';
import { tokensOf } from '../../../shared/search/tokens.ts';
import { asStoreFault } from '../sqlite-faults.ts';
import {
  FIND_MS_MAX,
  type DocumentWrite,
  type EraseSessionWrite,
  type Found,
  type Rejected,
  type SearchedSession,
  type SearchQuestion,
  type SearchStore,
  type SearchWrite,
} from './port.ts';
import { migrate } from './sqlite-schema.ts';

/** another process holds the write lock for the length of one batch; after this the batch fails and is tried again */
const BUSY_MS_MAX = 5_000;
const PROBE_ROW = 1;
/** above it only the filter keeps sessions apart, and not the index */
const PLACES_MAX = 100;
/** of a word in more messages than this only those written last are ranked and counted */
const MATCHES_MAX = 100_000;
/** rows between two looks at the clock, after which others have their turn */
const ROWS_PER_TURN = 256;
/** rank of a term's place counts nothing */
const RANK = 'bm25(words, 0.0, 1.0)';

export interface SqliteSearchOptions {
  path: string;
  /** false: only reads, so that health does not write */
  writes: boolean;
}

/**
 * The embedded search index: one SQLite file, several processes. A batch is one transaction; `synchronous=FULL` makes it
 * durable before write() resolves. Throws when the file cannot be opened or is of a newer program.
 */
export function openSqliteSearch({ path, writes }: SqliteSearchOptions): SearchStore {
  mkdirSync(dirname(path), { recursive: true });
  const database = new DatabaseSync(path, { timeout: BUSY_MS_MAX });
  try {
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;');
    migrate(database);
  } catch (error) {
    database.close();
    throw error;
  }
  return new SqliteSearch(database, writes);
}

const NOTHING_REJECTED: ReadonlyMap<number, Rejected> = new Map();

class SqliteSearch implements SearchStore {
  readonly seenAfterMs = 0;
  readonly #database: DatabaseSync;
  readonly #writes: boolean;
  readonly #statements = new Map<string, StatementSync>();

  constructor(database: DatabaseSync, writes: boolean) {
    this.#database = database;
    this.#writes = writes;
  }

  async write(batch: readonly SearchWrite[]): Promise<ReadonlyMap<number, Rejected>> {
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      try {
        for (const write of batch) if (write.kind === 'eraseSession') this.#eraseSession(write);
        for (const write of batch) if (write.kind === 'document') this.#writeDocument(write);
        this.#database.exec('COMMIT');
      } catch (error) {
        // a full disk rolls back by itself
        if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
        throw error;
      }
    } catch (error) {
      throw asStoreFault(error);
    }
    return await Promise.resolve(NOTHING_REJECTED);
  }

  async find(question: SearchQuestion): Promise<Found> {
    const { sql, values } = selectionOf(question);
    const best = new Best(question.limit + 1);
    const untilMs = Date.now() + FIND_MS_MAX;
    let total = 0;
    let rows = 0;
    // a statement of its own: others may be read between two turns
    for (const row of this.#database.prepare(sql).iterate(...values)) {
      const hit = hitOf(row);
      total += 1;
      if (question.after === undefined || compareHits(hit, question.after) > 0) best.take(hit);
      rows += 1;
      if (rows % ROWS_PER_TURN !== 0) continue;
      if (Date.now() > untilMs) throw new Error(`finding took longer than ${FIND_MS_MAX} ms`);
      await nextTurn();
    }
    const { hits } = best;
    const more = hits.length > question.limit;
    return { hits: hits.slice(0, question.limit), more, total: Math.min(total, SEARCH_TOTAL_MAX) };
  }

  async health(): Promise<void> {
    if (this.#writes) this.#prepare('INSERT OR REPLACE INTO probes (id, at) VALUES (?, ?)').run(PROBE_ROW, Date.now());
    else this.#prepare('SELECT at FROM probes WHERE id = ?').get(PROBE_ROW);
    return await Promise.resolve();
  }

  async close(): Promise<void> {
    this.#statements.clear();
    if (this.#database.isOpen) this.#database.close();
    return await Promise.resolve();
  }

  #writeDocument(write: DocumentWrite): void {
    const { tenant, sessionId, messageId } = write;
    const known = this.#prepare(
      'SELECT id, clock, seq FROM documents WHERE tenant = ? AND session_id = ? AND message_id = ?',
    ).get(tenant, sessionId, messageId);
    if (known !== undefined && bigIntOf(known['clock']) >= write.clock) return;
    const erasedAt = this.#erasedAt(write);
    const isErased = erasedAt !== undefined && erasedAt > write.clock;
    const { content, clock } = isErased ? { content: undefined, clock: erasedAt } : write;
    // a stub has no words
    if (known !== undefined && known['seq'] !== null)
      this.#prepare('DELETE FROM words WHERE rowid = ?').run(bigIntOf(known['id']));
    const { id } =
      this.#prepare(
        `INSERT INTO documents (tenant, session_id, message_id, clock, seq, author, role, parent_id, mentions, sent_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (tenant, session_id, message_id) DO UPDATE SET clock = excluded.clock, seq = excluded.seq,
         author = excluded.author, role = excluded.role, parent_id = excluded.parent_id, mentions = excluded.mentions,
         sent_at = excluded.sent_at RETURNING id`,
      ).get(
        tenant,
        sessionId,
        messageId,
        clock,
        content?.seq ?? null,
        content?.author ?? null,
        content?.role ?? null,
        content?.parentId ?? null,
        content === undefined ? null : JSON.stringify(content.mentions),
        content?.sentAtMs ?? null,
      ) ?? {};
    if (content === undefined) return;
    this.#prepare('INSERT INTO words (rowid, place, terms) VALUES (?, ?, ?)').run(
      bigIntOf(id),
      placeTerm(write),
      [...tokensOf(content.text)].map(({ term }) => term).join(' '),
    );
  }

  #erasedAt({ tenant, sessionId }: SearchedSession): bigint | undefined {
    const row = this.#prepare('SELECT clock FROM erased_sessions WHERE tenant = ? AND session_id = ?').get(tenant, sessionId);
    return row === undefined ? undefined : bigIntOf(row['clock']);
  }

  /** Every document that there is, when the deletion says something new; those that come later are looked at one by one. */
  #eraseSession({ tenant, sessionId, clock }: EraseSessionWrite): void {
    const { changes } = this.#prepare(
      `INSERT INTO erased_sessions (tenant, session_id, clock) VALUES (?, ?, ?)
       ON CONFLICT (tenant, session_id) DO UPDATE SET clock = excluded.clock WHERE excluded.clock > clock`,
    ).run(tenant, sessionId, clock);
    if (Number(changes) === 0) return;
    const below = 'tenant = ? AND session_id = ? AND clock < ?';
    this.#prepare(`DELETE FROM words WHERE rowid IN (SELECT id FROM documents WHERE ${below} AND seq IS NOT NULL)`).run(
      tenant,
      sessionId,
      clock,
    );
    this.#prepare(
      `UPDATE documents SET clock = ?, seq = NULL, author = NULL, role = NULL, parent_id = NULL, mentions = NULL, sent_at = NULL
       WHERE ${below}`,
    ).run(clock, tenant, sessionId, clock);
  }

  #prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    // clocks are microseconds, near the end of what a number holds exactly
    statement.setReadBigInts(true);
    this.#statements.set(sql, statement);
    return statement;
  }
}

type Row = Readonly<Record<string, unknown>>;

function bigIntOf(value: unknown): bigint {
  if (typeof value !== 'bigint') throw new TypeError('the search index holds no number where one belongs');
  return value;
}

/** A session as one term of ASCII; the filter looks at the session itself. */
function placeTerm({ tenant, sessionId }: SearchedSession): string {
  return createHash('sha256').update(`${tenant}/${sessionId}`).digest('hex').slice(0, 16);
}

function selectionOf(question: SearchQuestion): { sql: string; values: SQLInputValue[] } {
  const { tenant, sessions, clauses, author, sentAfterMs, sentBeforeMs } = question;
  const where = ['words MATCH ?', 'tenant = ?', 'session_id IN (SELECT value FROM json_each(?))'];
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
  const sql = `SELECT session_id, message_id, seq, sent_at, ${RANK} AS rank FROM words JOIN documents ON id = words.rowid
    WHERE ${where.join(' AND ')} ORDER BY words.rowid DESC LIMIT ${MATCHES_MAX}`;
  return { sql, values };
}

/** In FTS5's own language; terms and places hold no quotes. */
function matchOf({ tenant, sessions }: SearchQuestion, clauses: readonly Clause[]): string {
  const phrases = clauses.map(({ terms, isPrefix }) => `(terms : "${terms.join(' ')}"${isPrefix ? ' *' : ''})`);
  if (sessions.length === 0 || sessions.length > PLACES_MAX) return phrases.join(' AND ');
  const places = sessions.map((sessionId) => `"${placeTerm({ tenant, sessionId })}"`);
  return [`(place : (${places.join(' OR ')}))`, ...phrases].join(' AND ');
}

function hitOf(row: Row): SearchHit {
  return {
    sessionId: String(row['session_id']),
    messageId: String(row['message_id']),
    seq: Number(row['seq']),
    sentAtMs: Number(row['sent_at']),
    // FTS5 counts downwards
    score: -Number(row['rank']),
  };
}

/** The best so many of all that were taken, best first. */
class Best {
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
