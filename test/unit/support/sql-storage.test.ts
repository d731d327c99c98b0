import { describe, expect, it } from 'vitest';
import { MemoryStorage } from '../../support/sql-storage.ts';

function withTable(): MemoryStorage {
  const storage = new MemoryStorage();
  storage.sql.exec('CREATE TABLE t (n INTEGER PRIMARY KEY, word TEXT)');
  storage.commit();
  return storage;
}

function numbers(storage: MemoryStorage): number[] {
  return storage.sql
    .exec<{ n: number }>('SELECT n FROM t ORDER BY n')
    .toArray()
    .map(({ n }) => n);
}

describe('the storage of tests', () => {
  it('answers as the platform does', () => {
    const storage = withTable();
    storage.sql.exec('INSERT INTO t VALUES (?, ?), (?, ?)', 1, 'one', 2, null);
    expect(storage.sql.exec('SELECT * FROM t').toArray()).toEqual([
      { n: 1, word: 'one' },
      { n: 2, word: null },
    ]);
    expect(storage.sql.exec('SELECT n FROM t WHERE n = 2').one()).toEqual({ n: 2 });
    expect(() => storage.sql.exec('SELECT n FROM t').one()).toThrow('found 2');
    expect(() => storage.sql.exec('SELECT n FROM t WHERE n = 3').one()).toThrow('found 0');
    expect([...storage.sql.exec('DELETE FROM t WHERE n = 1 RETURNING word')]).toEqual([{ word: 'one' }]);
  });

  it('takes back a section that throws, and of nested ones only the inner', () => {
    const storage = withTable();
    storage.transactionSync(() => {
      storage.sql.exec('INSERT INTO t (n) VALUES (1)');
      expect(() =>
        storage.transactionSync(() => {
          storage.sql.exec('INSERT INTO t (n) VALUES (2)');
          throw new Error('no');
        }),
      ).toThrow('no');
    });
    expect(numbers(storage)).toEqual([1]);
  });

  it('loses at a crash what was not committed, tables too, and nothing else', () => {
    const storage = withTable();
    storage.transactionSync(() => storage.sql.exec('INSERT INTO t (n) VALUES (1)'));
    storage.commit();
    expect(storage.dirty).toBe(false);
    storage.transactionSync(() => storage.sql.exec('INSERT INTO t (n) VALUES (2)'));
    storage.sql.exec('CREATE TABLE other (n INTEGER)');
    expect(storage.dirty).toBe(true);
    storage.lose();
    expect(numbers(storage)).toEqual([1]);
    expect(() => storage.sql.exec('SELECT * FROM other')).toThrow('no such table');
    storage.sql.exec('INSERT INTO t (n) VALUES (3)');
    storage.commit();
    storage.lose();
    expect(numbers(storage)).toEqual([1, 3]);
  });
});
