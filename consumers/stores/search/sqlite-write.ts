import { createHash } from 'node:crypto';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { tokensOf } from '../../../shared/search/tokens.ts';
import type { DocumentWrite, EraseSessionWrite, SearchedSession, SearchWrite } from './port.ts';
import { tablesOf, type GenerationTables } from './sqlite-schema.ts';

/** Writes of one generation, inside a transaction of the caller. */
export class GenerationWriter {
  readonly #database: DatabaseSync;
  readonly #tables: GenerationTables;
  readonly #statements = new Map<string, StatementSync>();

  constructor(database: DatabaseSync, generation: number) {
    this.#database = database;
    this.#tables = tablesOf(generation);
  }

  write(batch: readonly SearchWrite[]): void {
    for (const write of batch) if (write.kind === 'eraseSession') this.#eraseSession(write);
    // nobody else writes inside of the transaction: one look per session
    const erased = new Map<string, bigint | undefined>();
    const erasedAt = (session: SearchedSession): bigint | undefined => {
      const name = `${session.tenant} ${session.sessionId}`;
      if (!erased.has(name)) erased.set(name, this.#erasedAt(session));
      return erased.get(name);
    };
    for (const write of batch) if (write.kind === 'document') this.#writeDocument(write, erasedAt(write));
  }

  #writeDocument(write: DocumentWrite, erasedAt: bigint | undefined): void {
    const { documents, words } = this.#tables;
    const { tenant, sessionId, messageId } = write;
    const known = this.#prepare(
      `SELECT id, clock, seq FROM ${documents} WHERE tenant = ? AND session_id = ? AND message_id = ?`,
    ).get(tenant, sessionId, messageId);
    if (known !== undefined && bigIntOf(known['clock']) >= write.clock) return;
    const isErased = erasedAt !== undefined && erasedAt > write.clock;
    const { content, clock } = isErased ? { content: undefined, clock: erasedAt } : write;
    // a stub has no words
    if (known !== undefined && known['seq'] !== null)
      this.#prepare(`DELETE FROM ${words} WHERE rowid = ?`).run(bigIntOf(known['id']));
    const row = this.#prepare(
      `INSERT INTO ${documents} (tenant, session_id, message_id, clock, seq, author, role, parent_id, mentions, sent_at)
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
    );
    if (content === undefined) return;
    this.#prepare(`INSERT INTO ${words} (rowid, place, terms) VALUES (?, ?, ?)`).run(
      bigIntOf(row?.['id']),
      placeTerm(write),
      termsOf(content.text),
    );
  }

  #erasedAt({ tenant, sessionId }: SearchedSession): bigint | undefined {
    const row = this.#prepare(`SELECT clock FROM ${this.#tables.erasedSessions} WHERE tenant = ? AND session_id = ?`).get(
      tenant,
      sessionId,
    );
    return row === undefined ? undefined : bigIntOf(row['clock']);
  }

  /** Every document that there is, when the deletion says something new; those that come later are looked at one by one. */
  #eraseSession({ tenant, sessionId, clock }: EraseSessionWrite): void {
    const { documents, words, erasedSessions } = this.#tables;
    const { changes } = this.#prepare(
      `INSERT INTO ${erasedSessions} (tenant, session_id, clock) VALUES (?, ?, ?)
       ON CONFLICT (tenant, session_id) DO UPDATE SET clock = excluded.clock WHERE excluded.clock > clock`,
    ).run(tenant, sessionId, clock);
    if (Number(changes) === 0) return;
    const below = 'tenant = ? AND session_id = ? AND clock < ?';
    this.#prepare(`DELETE FROM ${words} WHERE rowid IN (SELECT id FROM ${documents} WHERE ${below} AND seq IS NOT NULL)`).run(
      tenant,
      sessionId,
      clock,
    );
    this.#prepare(
      `UPDATE ${documents} SET clock = ?, seq = NULL, author = NULL, role = NULL, parent_id = NULL, mentions = NULL,
         sent_at = NULL WHERE ${below}`,
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

export function termsOf(text: string): string {
  return [...tokensOf(text)].map(({ term }) => term).join(' ');
}

export function bigIntOf(value: unknown): bigint {
  if (typeof value !== 'bigint') throw new TypeError('the search index holds no number where one belongs');
  return value;
}

/** A session as one term of ASCII; the filter looks at the session itself. */
export function placeTerm({ tenant, sessionId }: SearchedSession): string {
  return createHash('sha256').update(`${tenant}/${sessionId}`).digest('hex').slice(0, 16);
}
