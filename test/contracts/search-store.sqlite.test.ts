import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { searchWriteOf } from '../../consumers/projections/search.ts';
import { IndexGone, type SearchStore } from '../../consumers/stores/search/port.ts';
import { openSqliteGenerations, openSqliteSearch } from '../../consumers/stores/search/sqlite.ts';
import { StoreUnavailable } from '../../consumers/stores/store-unavailable.ts';
import type { Event } from '../../shared/core/types.ts';
import { anEvent } from './events.ts';
import { searchStoreContract } from './search-store.contract.ts';

searchStoreContract('SQLite', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-search-'));
  const path = join(directory, 'search.db');
  const writer = openSqliteSearch({ path, writes: true, mayMake: true });
  // as another process reads it
  const reader = openSqliteSearch({ path, writes: false, mayMake: false });
  return {
    store: {
      seenAfterMs: 0,
      write: async (batch) => await writer.write(batch),
      documents: (session) => reader.documents(session),
      wordsOf: (text) => reader.wordsOf(text),
      find: async (question) => await reader.find(question),
      async health() {
        await writer.health();
        await reader.health();
      },
      close: async () => await writer.close(),
    },
    openGenerations: async () => await Promise.resolve(openSqliteGenerations(path)),
    settle: async () => await Promise.resolve(),
    async dispose() {
      await writer.close();
      await reader.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
});

describe('the SQLite file of the search index', () => {
  let directory: string;
  let store: SearchStore;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'millrace-search-'));
    store = openSqliteSearch({ path: join(directory, 'search.db'), writes: true, mayMake: true });
  });
  afterEach(async () => {
    await store.close();
    await rm(directory, { recursive: true, force: true });
  });
  const write = async (...events: readonly Event[]): Promise<void> =>
    void (await store.write(events.flatMap((event) => searchWriteOf(event) ?? [])));

  it('holds nothing of a word that was erased, on no page', async () => {
    const path = join(directory, 'search.db');
    await write(anEvent('message.created', { seq: 1, data: { text: 'xylophonesecret' } }));
    await write(anEvent('message.created', { seq: 2, data: { id: 'm2', text: 'xylophonesecret' } }));
    await write(anEvent('message.created', { seq: 3, data: { id: 'm3', text: 'kept' } }));
    const file = async (): Promise<Buffer> => {
      const other = new DatabaseSync(path);
      other.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      other.close();
      return await readFile(path);
    };
    expect((await file()).includes('xylophon')).toBe(true);
    await write(anEvent('message.deleted', { seq: 4, data: { messageSeq: 1 } }));
    await write(anEvent('session.deleted', { seq: 5 }));
    expect((await file()).includes('xylophon')).toBe(false);
  });

  it(
    'of a word in very many messages pages on to the oldest: what is before a cursor takes no room',
    { timeout: 120_000 },
    async () => {
      // more than are looked at for one page
      const many = 50_010;
      const batch = 5_002;
      for (let from = 1; from <= many; from += batch) {
        const seqs = Array.from({ length: Math.min(batch, many - from + 1) }, (_, at) => from + at);
        const createdAt = (seq: number): string => new Date(1_700_000_000_000 + seq).toISOString();
        await write(
          ...seqs.map((seq) =>
            anEvent('message.created', { seq, data: { id: `m${seq}`, text: 'ostrich', createdAt: createdAt(seq) } }),
          ),
        );
      }
      const clauses = [{ text: 'ostrich', terms: ['ostrich'], isPrefix: false }];
      const question = { tenant: 'default', sessions: ['s1'], clauses, limit: 100 };
      const first = await store.find(question);
      expect(first).toMatchObject({ total: 10_000, more: true });
      expect(first.hits[0]?.messageId).toBe(`m${many}`);
      const after = { sentAtMs: 1_700_000_000_000 + 20, sessionId: 's1', messageId: 'm20' };
      const last = await store.find({ ...question, after });
      expect(last).toMatchObject({ total: 10_000, more: false });
      expect(last.hits.map(({ messageId }) => messageId)).toEqual(Array.from({ length: 19 }, (_, at) => `m${19 - at}`));
    },
  );

  it('held by another, it is unavailable: no fault of the batch', { timeout: 20_000 }, async () => {
    const other = new DatabaseSync(join(directory, 'search.db'));
    other.exec('BEGIN IMMEDIATE');
    await expect(write(anEvent('message.created', { seq: 1 }))).rejects.toBeInstanceOf(StoreUnavailable);
    other.exec('ROLLBACK');
    other.close();
    await write(anEvent('message.created', { seq: 1 }));
  });

  it('removed under those who have it open, it is gone to them too, and the one that a rebuild makes is theirs', async () => {
    const path = join(directory, 'search.db');
    const reader = openSqliteSearch({ path, writes: false, mayMake: false });
    const found = async (text: string): Promise<number> => {
      const clauses = [{ text, terms: [text], isPrefix: false }];
      return (await reader.find({ tenant: 'default', sessions: ['s1'], clauses, limit: 9 })).hits.length;
    };
    const message = (seq: number, text: string) => anEvent('message.created', { seq, data: { id: `m${seq}`, text } });
    await write(message(1, 'old'));
    expect(await found('old')).toBe(1);
    for (const suffix of ['', '-wal', '-shm']) await rm(`${path}${suffix}`, { force: true });
    await expect(write(message(2, 'lost'))).rejects.toBeInstanceOf(IndexGone);
    await expect(found('old')).rejects.toBeInstanceOf(IndexGone);
    const generations = openSqliteGenerations(path);
    await (await generations.make(2)).close();
    await expect(found('old')).rejects.toBeInstanceOf(IndexGone);
    await generations.swap(2);
    await write(message(2, 'new'));
    expect([await found('old'), await found('new')]).toEqual([0, 1]);
    await generations.close();
    await reader.close();
  });

  it('that is gone is not made again by who only reads, nor by whom it was kept from', async () => {
    const path = join(directory, 'gone.db');
    for (const writes of [true, false]) expect(() => openSqliteSearch({ path, writes, mayMake: false })).toThrow(IndexGone);
    // a rebuild makes the file, and nobody finds a part of what there was before it is done
    const generations = openSqliteGenerations(path);
    const waiting = openSqliteSearch({ path, writes: true, mayMake: false });
    const message = searchWriteOf(anEvent('message.created', { seq: 1 }));
    await expect(waiting.write(message === undefined ? [] : [message])).rejects.toBeInstanceOf(IndexGone);
    await expect(waiting.health()).rejects.toBeInstanceOf(IndexGone);
    await (await generations.make(2)).close();
    await generations.swap(2);
    await waiting.health();
    await waiting.close();
    await generations.close();
  });

  it('of a newer program is refused', () => {
    const path = join(directory, 'newer.db');
    const other = new DatabaseSync(path);
    other.exec('PRAGMA user_version = 99');
    other.close();
    expect(() => openSqliteSearch({ path, writes: true, mayMake: true })).toThrow('schema 99');
  });
});
