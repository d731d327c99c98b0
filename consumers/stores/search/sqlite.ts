import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { MessageRole } from '../../../shared/core/types.ts';
import { asStoreFault } from '../sqlite-faults.ts';
import { inTransaction } from '../sqlite-transaction.ts';
import {
  IndexGone,
  type Found,
  type Rejected,
  type SearchedSession,
  type SearchGenerations,
  type SearchLook,
  type SearchQuestion,
  type SearchStore,
  type SearchWrite,
  type StoredDocument,
} from './port.ts';
import { findIn } from './sqlite-find.ts';
import {
  createGeneration,
  CURRENT_SQL,
  dropGeneration,
  generationsIn,
  hasGeneration,
  migrate,
  SWAP_SQL,
  tablesOf,
} from './sqlite-schema.ts';
import { bigIntOf, GenerationWriter, termsOf } from './sqlite-write.ts';

/** another process holds the write lock for the length of one batch; after this the batch fails and is tried again */
const BUSY_MS_MAX = 5_000;
const PROBE_ROW = 1;
/** documents in one page of an audit's look */
const LOOK_DOCUMENTS_MAX = 500;

export interface SqliteSearchOptions {
  path: string;
  /** false: only reads, so that health does not write */
  writes: boolean;
  /** where there is no file: make one, with its first generation; else throw IndexGone */
  mayMake: boolean;
  /** absent: the current one */
  generation?: number;
}

/**
 * The embedded search index: one SQLite file, several processes. A batch is one transaction; `synchronous=FULL` makes it
 * durable before write() resolves. Throws when the file cannot be opened or is of another program.
 */
export function openSqliteSearch({ path, writes, mayMake, generation }: SqliteSearchOptions): SearchStore & SearchLook {
  if (!mayMake && !existsSync(path)) throw new IndexGone();
  return new SqliteSearch(path, openDatabase(path, mayMake), writes, generation);
}

function openDatabase(path: string, withFirst: boolean): DatabaseSync {
  mkdirSync(dirname(path), { recursive: true });
  const database = new DatabaseSync(path, { timeout: BUSY_MS_MAX });
  try {
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;');
    migrate(database, withFirst);
  } catch (error) {
    database.close();
    throw error;
  }
  return database;
}

function currentIn(database: DatabaseSync): number {
  return Number(database.prepare(CURRENT_SQL).get()?.['current']);
}

const NOTHING_REJECTED: ReadonlyMap<number, Rejected> = new Map();

class SqliteSearch implements SearchStore, SearchLook {
  readonly seenAfterMs = 0;
  readonly #path: string;
  readonly #writes: boolean;
  readonly #generation: number | undefined;
  #opened: DatabaseSync;
  #inode: number | undefined;
  #writer: { generation: number; writer: GenerationWriter } | undefined;

  constructor(path: string, database: DatabaseSync, writes: boolean, generation: number | undefined) {
    this.#path = path;
    this.#opened = database;
    this.#inode = inodeOf(path);
    this.#writes = writes;
    this.#generation = generation;
  }

  async write(batch: readonly SearchWrite[]): Promise<ReadonlyMap<number, Rejected>> {
    try {
      // the generation is looked up inside: no swap comes in between
      const database = this.#database();
      inTransaction(database, () => this.#writerNow(database).write(batch));
    } catch (error) {
      throw asStoreFault(error);
    }
    return await Promise.resolve(NOTHING_REJECTED);
  }

  async find(question: SearchQuestion): Promise<Found> {
    const database = this.#database();
    return await findIn(database, this.#generationNow(database), question);
  }

  async *documents({ tenant, sessionId }: SearchedSession): AsyncGenerator<readonly StoredDocument[]> {
    const database = this.#database();
    const { documents, words } = tablesOf(this.#generationNow(database));
    const look = database.prepare(
      `SELECT message_id, clock, seq, author, role, parent_id, mentions, sent_at, terms
       FROM ${documents} LEFT JOIN ${words} ON ${words}.rowid = id
       WHERE tenant = ? AND session_id = ? AND message_id > ? ORDER BY message_id LIMIT ?`,
    );
    look.setReadBigInts(true);
    for (let after = ''; ;) {
      const page = look.all(tenant, sessionId, after, LOOK_DOCUMENTS_MAX).map(storedOf);
      const last = page.at(-1);
      if (last === undefined) return;
      yield await Promise.resolve(page);
      after = last.messageId;
    }
  }

  wordsOf(text: string): string {
    return termsOf(text);
  }

  async health(): Promise<void> {
    const database = this.#database();
    this.#generationNow(database);
    if (this.#writes) database.prepare('INSERT OR REPLACE INTO probes (id, at) VALUES (?, ?)').run(PROBE_ROW, Date.now());
    else database.prepare('SELECT at FROM probes WHERE id = ?').get(PROBE_ROW);
    return await Promise.resolve();
  }

  async close(): Promise<void> {
    this.#writer = undefined;
    if (this.#opened.isOpen) this.#opened.close();
    return await Promise.resolve();
  }

  /** The file that is there now: one that was removed would be read and written on by whoever has it open, and nobody would know. */
  #database(): DatabaseSync {
    const inode = inodeOf(this.#path);
    if (inode === this.#inode) return this.#opened;
    if (inode === undefined) throw new IndexGone();
    const opened = openDatabase(this.#path, false);
    this.#opened.close();
    this.#writer = undefined;
    this.#opened = opened;
    this.#inode = inode;
    return opened;
  }

  #generationNow(database: DatabaseSync): number {
    const generation = this.#generation ?? currentIn(database);
    if (!hasGeneration(database, generation)) throw new IndexGone();
    return generation;
  }

  #writerNow(database: DatabaseSync): GenerationWriter {
    const generation = this.#generationNow(database);
    if (this.#writer?.generation !== generation) {
      this.#writer = { generation, writer: new GenerationWriter(database, generation) };
    }
    return this.#writer.writer;
  }
}

/** Undefined where there is no file. Not used again while somebody has the file open. */
function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}

function storedOf(row: Readonly<Record<string, unknown>>): StoredDocument {
  const document = { messageId: String(row['message_id']), clock: bigIntOf(row['clock']) };
  if (row['seq'] === null) return document;
  return {
    ...document,
    content: {
      seq: Number(row['seq']),
      author: String(row['author']),
      // written as one
      role: String(row['role']) as MessageRole,
      ...(typeof row['parent_id'] === 'string' ? { parentId: row['parent_id'] } : {}),
      mentions: JSON.parse(String(row['mentions'])) as string[],
      sentAtMs: Number(row['sent_at']),
      words: String(row['terms']),
    },
  };
}

/** Generations are tables of one file: a swap is one row. */
export function openSqliteGenerations(path: string): SearchGenerations {
  const database = openDatabase(path, false);
  return {
    async list() {
      const current = currentIn(database);
      return await Promise.resolve({ current, others: generationsIn(database).filter((each) => each !== current) });
    },
    async make(generation) {
      inTransaction(database, () => createGeneration(database, generation));
      return await Promise.resolve(openSqliteSearch({ path, writes: true, mayMake: false, generation }));
    },
    async swap(generation) {
      inTransaction(database, () => {
        if (!generationsIn(database).includes(generation)) throw new Error(`there is no generation ${generation}`);
        database.prepare(SWAP_SQL).run(generation);
      });
      return await Promise.resolve();
    },
    async drop(generation) {
      inTransaction(database, () => {
        if (currentIn(database) === generation) throw new Error(`generation ${generation} is the current one`);
        dropGeneration(database, generation);
      });
      return await Promise.resolve();
    },
    async close() {
      if (database.isOpen) database.close();
      return await Promise.resolve();
    },
  };
}
