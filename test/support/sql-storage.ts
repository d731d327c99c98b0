import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';

/** one storage sees the statements of one program: they are few, and this only stops a mistake */
const STATEMENTS_MAX = 1_000;
const WRITES = /^\s*(?:insert|update|delete|replace|create|alter|drop)\b/i;

type Row = Record<string, SQLInputValue>;

/** What a query gave: all rows are there at once, for what reads them may write to the same table. */
export class MemoryCursor<T> {
  readonly #rows: readonly T[];

  constructor(rows: readonly T[]) {
    this.#rows = rows;
  }

  toArray(): T[] {
    return [...this.#rows];
  }

  /** Throws unless there is exactly one, as the platform does. */
  one(): T {
    const [only] = this.#rows;
    if (this.#rows.length !== 1 || only === undefined) throw new Error(`expected one row, found ${this.#rows.length}`);
    return only;
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#rows[Symbol.iterator]();
  }
}

/**
 * A Durable Object's SQL storage on an SQLite in memory, for tests of what runs on `ctx.storage.sql` and `transactionSync`.
 *
 * What is written is not durable until `commit`: `lose` takes back all of it, as a crash does. Whoever does not care for
 * crashes need not call either.
 */
export class MemoryStorage {
  readonly #database = new DatabaseSync(':memory:');
  readonly #statements = new Map<string, StatementSync>();
  #uncommitted = false;
  #depth = 0;
  /** the platform's `ctx.storage.sql` */
  readonly sql = {
    /** bytes; as a test sets it */
    databaseSize: 0,
    exec: <T extends object = Row>(query: string, ...bindings: SQLInputValue[]): MemoryCursor<T> => {
      if (WRITES.test(query)) this.#begin();
      // node:sqlite makes objects without a prototype, which equal no literal
      const rows = this.#prepare(query)
        .all(...bindings)
        .map((row) => ({ ...row }));
      // who asks names the columns that the query selects
      return new MemoryCursor(rows as T[]);
    },
  };

  /** something was written that a crash would take back */
  get dirty(): boolean {
    return this.#uncommitted;
  }

  /** Runs a section that is rolled back as a whole when it throws; sections may be nested. */
  transactionSync<T>(section: () => T): T {
    this.#begin();
    const name = `section_${this.#depth}`;
    this.#depth += 1;
    this.#database.exec(`SAVEPOINT ${name}`);
    try {
      const result = section();
      this.#database.exec(`RELEASE ${name}`);
      return result;
    } catch (error) {
      this.#database.exec(`ROLLBACK TO ${name}; RELEASE ${name}`);
      throw error;
    } finally {
      this.#depth -= 1;
    }
  }

  commit(): void {
    if (!this.#uncommitted) return;
    this.#uncommitted = false;
    this.#database.exec('COMMIT');
  }

  lose(): void {
    if (!this.#uncommitted) return;
    this.#uncommitted = false;
    this.#database.exec('ROLLBACK');
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }

  #begin(): void {
    if (this.#uncommitted) return;
    this.#database.exec('BEGIN');
    this.#uncommitted = true;
  }

  #prepare(query: string): StatementSync {
    const known = this.#statements.get(query);
    if (known !== undefined) return known;
    if (this.#statements.size >= STATEMENTS_MAX) this.#statements.clear();
    const statement = this.#database.prepare(query);
    this.#statements.set(query, statement);
    return statement;
  }
}
