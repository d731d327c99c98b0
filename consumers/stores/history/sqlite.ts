import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import type { StoredMessage } from '../../../shared/contract/internal.ts';
import { rangesOf, type SeqRange } from '../../../shared/core/seq-ranges.ts';
import type { Event } from '../../../shared/core/types.ts';
import { ByteCut } from './byte-cut.ts';
import type { EraseSession, Held, HistoryStore, HistoryWrite, RowWrite, SessionKey } from './port.ts';
import { TouchedMemory, type ArchivePage, type Touched } from './archive.ts';
import { eventOf, messageOf } from './rows.ts';
import { allEvents, eventsIn, readNote, touchedIn, writeNote, writeTouched } from './sqlite-archive.ts';
import { ensureMessageCount, MESSAGE_COUNT_SQL } from './sqlite-message-count.ts';
import { cellsOf } from './sqlite-rows.ts';
import { asStoreFault } from '../sqlite-faults.ts';
import { inTransaction } from '../sqlite-transaction.ts';
import { keyNames, migrate, overwriteSql } from './sqlite-schema.ts';
import { boundValue, statementOf } from './sqlite-statement.ts';
import { ERASED_CELLS, seqPartOf, type CellValue, type HistoryTable } from './tables.ts';

/** another process holds the write lock for the length of one batch; after this the batch fails and is tried again */
const BUSY_MS_MAX = 5_000;
const PROBE_ROW = 1;

/** what a session's deletion erases, cell by cell */
const ERASED = Object.entries(ERASED_CELLS).flatMap(([table, cells]) =>
  Object.entries<CellValue>(cells).map(([cell, value]) => ({ table: table as HistoryTable, cell, value: boundValue(value) })),
);

interface Erasure {
  belowSeq: bigint;
  clock: bigint;
}

export interface SqliteOptions {
  path: string;
  /** false: only reads, so that health does not write */
  writes: boolean;
  /** a file that nobody needs after a crash: nothing waits for the disk */
  isPassing?: boolean;
}

/**
 * The embedded history store: one SQLite file, several processes. A batch is one transaction; `synchronous=FULL` makes it
 * durable before write() resolves. Throws when the file cannot be opened or is of a newer program.
 */
export function openSqliteHistory({ path, writes, isPassing = false }: SqliteOptions): HistoryStore {
  mkdirSync(dirname(path), { recursive: true });
  const database = new DatabaseSync(path, { timeout: BUSY_MS_MAX });
  try {
    // secure_delete: what is erased is overwritten in the file and not only unlinked
    database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${isPassing ? 'OFF' : 'FULL'}; PRAGMA secure_delete = ON;`);
    migrate(database);
    ensureMessageCount(database);
  } catch (error) {
    database.close();
    throw error;
  }
  return new SqliteHistory(database, writes);
}

class SqliteHistory implements HistoryStore {
  readonly #database: DatabaseSync;
  readonly #writes: boolean;
  readonly #statements = new Map<string, StatementSync>();
  readonly #touched = new TouchedMemory();

  constructor(database: DatabaseSync, writes: boolean) {
    this.#database = database;
    this.#writes = writes;
  }

  async write(batch: readonly HistoryWrite[]): Promise<void> {
    const touched = this.#touched.unknownOf(batch.filter((write) => write.kind === 'row'));
    this.#transaction(() => {
      writeTouched(this.#prepare, touched);
      const raised = new Map<string, SessionKey>();
      for (const write of batch) {
        if (write.kind === 'row') this.#writeRow(write);
        else if (this.#noteErasure(write)) raised.set(nameOf(write), write);
      }
      const erasures = new Map<string, Erasure | undefined>();
      for (const session of raised.values()) this.#eraseAll(session);
      for (const write of batch) {
        if (write.kind === 'row' && !raised.has(nameOf(write.key))) this.#eraseLate(write, erasures);
      }
    });
    this.#touched.add(touched);
    return await Promise.resolve();
  }

  touched = (hour: number): AsyncIterable<Touched[]> => touchedIn(this.#prepare, hour);
  eventsOf = (part: Touched): AsyncIterable<ArchivePage> => eventsIn(this.#prepare, part);
  scanEvents = (): AsyncIterable<ArchivePage & { done: number }> => allEvents(this.#prepare);
  readNote = async (name: string): Promise<string | undefined> => await Promise.resolve(readNote(this.#prepare, name));

  async writeNote(name: string, note: string): Promise<void> {
    this.#transaction(() => writeNote(this.#prepare, name, note));
    return await Promise.resolve();
  }

  async readEvents(session: SessionKey, from: number, to: number, maxBytes: number): Promise<Event[]> {
    const rows = this.#prepare(
      'SELECT envelope, data FROM events WHERE tenant = ? AND session_id = ? AND seq BETWEEN ? AND ? AND envelope IS NOT NULL ORDER BY seq',
    ).iterate(session.tenant, session.sessionId, from, to);
    return await Promise.resolve(
      cutAt(
        maxBytes,
        mapped(rows, (row) => eventOf(cellsOf('events', row))),
      ),
    );
  }

  async readEventsAt(session: SessionKey, seqs: readonly number[], maxBytes: number): Promise<Event[]> {
    const byKey = this.#prepare('SELECT envelope, data FROM events WHERE tenant = ? AND session_id = ? AND seq = ?');
    const found = mapped(seqs, (seq) => {
      const row = byKey.get(session.tenant, session.sessionId, seq);
      return row === undefined ? undefined : eventOf(cellsOf('events', row));
    });
    return await Promise.resolve(cutAt(maxBytes, found));
  }

  async readMessages(session: SessionKey, seqs: readonly number[], maxBytes: number): Promise<StoredMessage[]> {
    const byKey = this.#prepare('SELECT * FROM messages WHERE tenant = ? AND session_id = ? AND seq = ?');
    const found = mapped(seqs, (seq) => {
      const row = byKey.get(session.tenant, session.sessionId, seq);
      return row === undefined ? undefined : messageOf(seq, cellsOf('messages', row));
    });
    return await Promise.resolve(cutAt(maxBytes, found));
  }

  async heldRanges(session: SessionKey, ranges: readonly SeqRange[]): Promise<Held> {
    const held = this.#prepare(
      `SELECT seq, published_at, persisted_at FROM events
       WHERE tenant = ? AND session_id = ? AND seq BETWEEN ? AND ? AND envelope IS NOT NULL`,
    );
    const seqs: number[] = [];
    let publishedAt = 0;
    let persistedAt = 0;
    for (const [from, to] of ranges) {
      for (const row of held.iterate(session.tenant, session.sessionId, from, to)) {
        seqs.push(Number(row['seq']));
        publishedAt = Math.max(publishedAt, Number(row['published_at'] ?? 0));
        persistedAt = Math.max(persistedAt, Number(row['persisted_at'] ?? 0));
      }
    }
    return await Promise.resolve({ ranges: rangesOf(seqs), publishedAt, persistedAt });
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

  messageCount = (): number => Number(this.#prepare(MESSAGE_COUNT_SQL).get()?.['messages'] ?? 0);

  #transaction(work: () => void): void {
    try {
      inTransaction(this.#database, work);
    } catch (error) {
      throw asStoreFault(error);
    }
  }

  #writeRow(row: RowWrite): void {
    const statement = statementOf(row);
    if (statement !== undefined) this.#prepare(statement.sql).run(...statement.parameters);
  }

  /** Whether it says more than what was noted before. */
  #noteErasure({ tenant, sessionId, belowSeq, clock }: EraseSession): boolean {
    const { changes } = this.#prepare(
      `INSERT INTO erased_sessions (tenant, session_id, below_seq, clock) VALUES (?, ?, ?, ?)
       ON CONFLICT (tenant, session_id) DO UPDATE SET below_seq = max(below_seq, excluded.below_seq), clock = max(clock, excluded.clock)
       WHERE excluded.below_seq > below_seq OR excluded.clock > clock`,
    ).run(tenant, sessionId, belowSeq, clock);
    return Number(changes) > 0;
  }

  #erasureOf({ tenant, sessionId }: SessionKey): Erasure | undefined {
    const noted = this.#prepare('SELECT below_seq, clock FROM erased_sessions WHERE tenant = ? AND session_id = ?').get(
      tenant,
      sessionId,
    );
    return noted === undefined ? undefined : { belowSeq: asBigInt(noted['below_seq']), clock: asBigInt(noted['clock']) };
  }

  /** Every row that there is; needed only when the erasure says something new. */
  #eraseAll(session: SessionKey): void {
    const erasure = this.#erasureOf(session);
    if (erasure === undefined) return;
    for (const { table, cell, value } of ERASED) {
      this.#overwrite(table, overwriteSql(table, cell, 'session'), [session.tenant, session.sessionId], value, erasure);
    }
  }

  /**
   * Rows of a deleted session may come after its deletion: each is erased as it comes. Only that one, for a backlog of such
   * rows would otherwise cost its square.
   */
  #eraseLate({ table, key }: RowWrite, known: Map<string, Erasure | undefined>): void {
    const name = nameOf(key);
    if (!known.has(name)) known.set(name, this.#erasureOf(key));
    const erasure = known.get(name);
    if (erasure === undefined) return;
    const keys: Readonly<Record<string, string | number>> = { ...key };
    const keyValues = keyNames(table).map((each) => keys[each] ?? '');
    for (const { table: erasedTable, cell, value } of ERASED) {
      if (erasedTable === table) this.#overwrite(table, overwriteSql(table, cell, 'row'), keyValues, value, erasure);
    }
  }

  #overwrite(table: HistoryTable, sql: string, key: readonly SQLInputValue[], value: SQLInputValue, erasure: Erasure): void {
    const bounds = seqPartOf(table) === undefined ? [] : [erasure.belowSeq];
    this.#prepare(sql).run(value, erasure.clock, ...key, ...bounds, erasure.clock);
  }

  readonly #prepare = (sql: string): StatementSync => {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    // clocks are microseconds, near the end of what a number holds exactly
    statement.setReadBigInts(true);
    this.#statements.set(sql, statement);
    return statement;
  };
}

function nameOf({ tenant, sessionId }: SessionKey): string {
  return `${tenant} ${sessionId}`;
}

function asBigInt(value: unknown): bigint {
  return typeof value === 'bigint' ? value : 0n;
}

function* mapped<A, B>(rows: Iterable<A>, map: (row: A) => B | undefined): Generator<B> {
  for (const row of rows) {
    const value = map(row);
    if (value !== undefined) yield value;
  }
}

/** Reads no row more than one beyond what is taken. */
function cutAt<T>(maxBytes: number, values: Iterable<T>): T[] {
  const cut = new ByteCut<T>(maxBytes);
  for (const value of values) if (!cut.take(value)) break;
  return cut.taken;
}
