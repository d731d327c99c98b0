import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, expect, it } from 'vitest';
import { asStoreFault } from '../../../consumers/stores/sqlite-faults.ts';
import { StoreUnavailable } from '../../../consumers/stores/store-unavailable.ts';

const directory = mkdtempSync(join(tmpdir(), 'millrace-faults-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** What SQLite itself throws, as the adapter passes it on. */
function faultOf(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return asStoreFault(error);
  }
  throw new Error('nothing failed');
}

function made(name: string): string {
  const path = join(directory, name);
  const database = new DatabaseSync(path);
  database.exec('CREATE TABLE t (v TEXT NOT NULL) STRICT');
  database.close();
  return path;
}

const FILL =
  'WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100) INSERT INTO t SELECT hex(zeroblob(1000)) FROM n';

it.each<[string, () => unknown]>([
  [
    'SQLITE_FULL',
    () => {
      const database = new DatabaseSync(made('full.db'));
      database.exec('PRAGMA max_page_count = 3');
      database.exec(FILL);
    },
  ],
  [
    'SQLITE_BUSY',
    () => {
      const path = made('busy.db');
      new DatabaseSync(path).exec('BEGIN IMMEDIATE');
      new DatabaseSync(path, { timeout: 0 }).exec('BEGIN IMMEDIATE');
    },
  ],
  ['SQLITE_READONLY', () => new DatabaseSync(made('read-only.db'), { readOnly: true }).exec("INSERT INTO t VALUES ('a')")],
  ['SQLITE_CANTOPEN', () => new DatabaseSync(join(directory, 'nowhere', 'a.db'))],
])('%s is the store’s fault', (name, work) => {
  const fault = faultOf(work);
  expect(fault).toBeInstanceOf(StoreUnavailable);
  expect((fault as Error).message).toContain(name);
});

it('an extended code counts as its primary one', () => {
  const error = Object.assign(new Error('disk I/O error'), { errcode: 10 | (3 << 8) });
  expect(asStoreFault(error)).toBeInstanceOf(StoreUnavailable);
});

it('what was written is no fault of the store', () => {
  const fault = faultOf(() => new DatabaseSync(made('constraint.db')).exec('INSERT INTO t VALUES (NULL)'));
  expect(fault).not.toBeInstanceOf(StoreUnavailable);
  expect(asStoreFault('text')).toBe('text');
});
