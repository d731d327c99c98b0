import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rowsOf } from '../../consumers/projections/history.ts';
import type { HistoryStore, SessionKey } from '../../consumers/stores/history/port.ts';
import { keyNames, TABLE_NAMES } from '../../consumers/stores/history/sqlite-schema.ts';
import { openSqliteScan } from '../../consumers/stores/history/sqlite-scan.ts';
import { openSqliteHistory } from '../../consumers/stores/history/sqlite.ts';
import { columnOf, HISTORY_TABLES, type CellType } from '../../consumers/stores/history/tables.ts';
import { StoreUnavailable } from '../../consumers/stores/store-unavailable.ts';
import type { Event } from '../../shared/core/types.ts';
import { anEvent } from './events.ts';
import { historyStoreContract, type TableRow } from './history-store.contract.ts';

historyStoreContract('SQLite', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-history-'));
  const path = join(directory, 'history.db');
  const store = openSqliteHistory({ path, writes: true });
  const scan = openSqliteScan(path);
  return {
    store,
    scan,
    async rows(session) {
      return await Promise.resolve(rowsIn(path, session));
    },
    async dispose() {
      await scan.close();
      await store.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
});

/** As another process reads the file. */
function rowsIn(path: string, { tenant, sessionId }: SessionKey): TableRow[] {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    return TABLE_NAMES.flatMap((table) => {
      const statement = database.prepare(`SELECT * FROM ${table} WHERE tenant = ? AND session_id = ?`);
      statement.setReadBigInts(true);
      return statement.all(tenant, sessionId).map((row): TableRow => {
        const key = keyNames(table).slice(2);
        const cells = Object.entries<CellType>(HISTORY_TABLES[table].cells).flatMap(([cell, type]): [string, unknown][] => {
          const value = row[columnOf(cell)];
          return value === null ? [] : [[cell, type === 'boolean' ? value === 1n : type === 'clock' ? value : plain(value)]];
        });
        return {
          table,
          rowKey: key.map((name) => String(row[columnOf(name)])).join(' '),
          cells: Object.fromEntries<unknown>(cells),
        };
      });
    });
  } finally {
    database.close();
  }
}

function plain(value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value;
}

describe('the SQLite file', () => {
  let directory: string;
  let store: HistoryStore;
  let other: DatabaseSync;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'millrace-history-'));
    store = openSqliteHistory({ path: join(directory, 'history.db'), writes: true });
    other = new DatabaseSync(join(directory, 'history.db'));
  });
  afterEach(async () => {
    await store.close();
    other.close();
    await rm(directory, { recursive: true, force: true });
  });
  const write = async (...events: readonly Event[]): Promise<void> =>
    await store.write(events.flatMap((event) => rowsOf(event, { publishedAtMs: 1, persistedAtMs: 2 })));
  const message = (seq: number): Event => anEvent('message.created', { seq, data: { text: 'secret' } });
  const texts = (): unknown[] =>
    other
      .prepare('SELECT seq, text FROM messages ORDER BY seq')
      .all()
      .map((row) => Object.values(row));

  it('a late row of a deleted session costs itself, not a look at all others; a deletion that says more looks at all', async () => {
    await write(message(1), message(2));
    await write(anEvent('session.deleted', { seq: 8 }));
    expect(texts()).toEqual([
      [1, ''],
      [2, ''],
    ]);
    // a mark that any look at row 1 would erase
    other.exec("UPDATE messages SET text = 'mark', text_clock = 0 WHERE seq = 1");
    await write(message(3), anEvent('member.added', { seq: 4 }));
    await write(anEvent('session.deleted', { seq: 8 }), message(5));
    expect(texts()).toEqual([
      [1, 'mark'],
      [2, ''],
      [3, ''],
      [5, ''],
    ]);
    expect(other.prepare('SELECT active FROM members').all()).toMatchObject([{ active: 0 }]);
    expect((await store.readEvents({ tenant: 'default', sessionId: 's1' }, 3, 5, 1_000_000)).map(({ data }) => data)).toEqual(
      ['m1', 'bob', 'm1'].map((id) => ({ id, erased: true })),
    );
    await write(anEvent('session.deleted', { seq: 9 }));
    expect(texts()).toContainEqual([1, '']);
  });

  it('counts its messages, each once, and those of a file that did not count yet', async () => {
    expect(store.messageCount?.()).toBe(0);
    await write(message(1), message(2), message(2));
    await write(message(1), anEvent('message.updated', { seq: 3, data: { messageSeq: 1 } }), message(4));
    await write(anEvent('session.deleted', { seq: 8 }));
    expect(store.messageCount?.()).toBe(3);
    await store.close();
    other.exec('DROP TRIGGER messages_counted; DROP TABLE message_count');
    store = openSqliteHistory({ path: join(directory, 'history.db'), writes: true });
    expect(store.messageCount?.()).toBe(3);
    await write(message(5), message(4));
    expect(store.messageCount?.()).toBe(4);
  });

  it('a batch that was rolled back counts nothing', async () => {
    const [good, bad] = [message(1), message(2)].map((event) => rowsOf(event, { publishedAtMs: 1, persistedAtMs: 2 }));
    const broken = (bad ?? []).map((each) => (each.kind === 'row' ? { ...each, clock: 2n ** 70n } : each));
    await expect(store.write([...(good ?? []), ...broken])).rejects.toThrow();
    expect(store.messageCount?.()).toBe(0);
  });

  it('held by another, it is unavailable: no fault of the batch', async () => {
    other.exec('BEGIN IMMEDIATE');
    await expect(write(message(1))).rejects.toBeInstanceOf(StoreUnavailable);
    other.exec('ROLLBACK');
    await write(message(1));
  });
});
