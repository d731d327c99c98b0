import cassandra from 'cassandra-driver';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rowsOf } from '../../consumers/projections/history.ts';
import { migrateCassandra } from '../../consumers/stores/history/cassandra-migrate.ts';
import { CQL_TABLES } from '../../consumers/stores/history/cassandra-schema.ts';
import { openCassandraScan } from '../../consumers/stores/history/cassandra-scan.ts';
import { cassandraSettingsFrom, type CassandraSettings } from '../../consumers/stores/history/cassandra-settings.ts';
import { openCassandraHistory } from '../../consumers/stores/history/cassandra.ts';
import type { HistoryStore, SessionKey } from '../../consumers/stores/history/port.ts';
import { HISTORY_SCHEMA_VERSION } from '../../consumers/stores/history/tables.ts';
import { StoreUnavailable } from '../../consumers/stores/store-unavailable.ts';
import type { Event } from '../../shared/core/types.ts';
import { anEvent } from '../contracts/events.ts';
import { historyStoreContract, type TableRow } from '../contracts/history-store.contract.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { cassandraMissing, sharedCassandra, type SharedCassandra } from '../support/shared-cassandra.ts';

const SESSION: SessionKey = { tenant: 'default', sessionId: 's1' };
/** beyond every seq of the contract suite: each bucket up to it is looked into */
const SCANNED_SEQS = 2_000;

requireOrSkip('Cassandra', await cassandraMissing())('Cassandra', () => {
  let node: SharedCassandra;
  let settings: CassandraSettings;
  let admin: cassandra.Client;

  const settingsOf = (more: Record<string, string> = {}): CassandraSettings => {
    const found = cassandraSettingsFrom({ CASSANDRA_CONTACT_POINTS: node.contactPoint, ...more });
    if (found === undefined) throw new Error('no settings');
    return found;
  };
  const migrate = async (with_ = settings): Promise<string[]> => {
    const said: string[] = [];
    await migrateCassandra(with_, (line) => said.push(line));
    return said;
  };
  const versionRow = async (keyspace: string, version: number): Promise<void> => {
    await admin.execute(`UPDATE ${keyspace}.schema_versions SET version = ? WHERE name = 'history'`, [version], {
      prepare: true,
    });
  };

  beforeAll(async () => {
    node = await sharedCassandra();
    settings = settingsOf();
    admin = new cassandra.Client({
      contactPoints: [node.contactPoint],
      localDataCenter: 'datacenter1',
      protocolOptions: { port: node.port },
      encoding: { useBigIntAsLong: true },
    });
    await admin.connect();
  });
  afterAll(async () => {
    await admin.shutdown();
  });

  describe('the schema', () => {
    it('is missed with a line that says what to do', async () => {
      await expect(openCassandraHistory({ settings, writes: true })).rejects.toThrow('run "npm run migrate"');
    });

    it('is made once, by one of several at a time', async () => {
      const said = (await Promise.all([migrate(), migrate(), migrate()])).flat();
      expect(said.filter((line) => line.endsWith(`has history schema ${HISTORY_SCHEMA_VERSION} now`))).toHaveLength(1);
      expect(await migrate()).toEqual([`millrace has history schema ${HISTORY_SCHEMA_VERSION} already`]);
      const { rows } = await admin.execute(
        "SELECT table_name, gc_grace_seconds, compaction FROM system_schema.tables WHERE keyspace_name = 'millrace'",
      );
      for (const { name } of CQL_TABLES) {
        expect(rows.find((row) => row['table_name'] === name)).toMatchObject({
          gc_grace_seconds: 45 * 24 * 60 * 60,
          compaction: { class: expect.stringContaining('UnifiedCompactionStrategy') as string },
        });
      }
    });

    it('gets the columns that it lacks, keeps the rows, and refuses a column of another type', async () => {
      const own = settingsOf({ CASSANDRA_KEYSPACE: 'older' });
      await migrate(own);
      await admin.execute('ALTER TABLE older.sessions DROP description');
      await admin.execute("INSERT INTO older.sessions (tenant, session_id, title) VALUES ('t', 's', 'kept')");
      await versionRow('older', HISTORY_SCHEMA_VERSION - 1);
      expect(await migrate(own)).toEqual([
        'column sessions.description added',
        `older has history schema ${HISTORY_SCHEMA_VERSION} now`,
      ]);
      expect((await admin.execute('SELECT title, description FROM older.sessions')).rows).toMatchObject([
        { title: 'kept', description: null },
      ]);
      await admin.execute('DROP TABLE older.probes');
      await admin.execute('CREATE TABLE older.probes (name text PRIMARY KEY, at text)');
      await versionRow('older', HISTORY_SCHEMA_VERSION - 1);
      await expect(migrate(own)).rejects.toThrow('has at as text instead of timestamp');
    });

    it('of a newer program is not taken back, and can be used', async () => {
      const own = settingsOf({ CASSANDRA_KEYSPACE: 'newer' });
      await migrate(own);
      await versionRow('newer', HISTORY_SCHEMA_VERSION + 1);
      await expect(migrate(own)).rejects.toThrow('migrate with the newer one');
      await (await openCassandraHistory({ settings: own, writes: true })).close();
    });
  });

  historyStoreContract('Cassandra', async () => {
    await migrate();
    for (const { name } of CQL_TABLES) await admin.execute(`TRUNCATE millrace.${name}`);
    const store = await openCassandraHistory({ settings, writes: true });
    const scan = await openCassandraScan(settings);
    return {
      store,
      scan,
      async rows(session) {
        const found: TableRow[] = [];
        for await (const page of scan.rows(session, SCANNED_SEQS)) {
          for (const { table, rowKey = '', cells } of page) found.push({ table, rowKey: String(rowKey), cells });
        }
        return found;
      },
      async dispose() {
        await scan.close();
        await store.close();
      },
    };
  });

  describe('the history in Cassandra', () => {
    const write = async (store: HistoryStore, ...events: readonly Event[]): Promise<void> =>
      await store.write(events.flatMap((event) => rowsOf(event, { publishedAtMs: 1, persistedAtMs: 2 })));
    const message = (seq: number): Event => anEvent('message.created', { seq, data: { text: `secret ${seq}` } });
    const opened = async (work: (store: HistoryStore) => Promise<void>): Promise<void> => {
      await migrate();
      for (const { name } of CQL_TABLES) await admin.execute(`TRUNCATE millrace.${name}`);
      const store = await openCassandraHistory({ settings, writes: true });
      try {
        await work(store);
      } finally {
        await store.close();
      }
    };

    it('lies in buckets, is read across them, and is erased in all of them', async () => {
      await opened(async (store) => {
        const seqs = Array.from({ length: 1_100 }, (_, index) => index + 1);
        for (let from = 0; from < seqs.length; from += 250) await write(store, ...seqs.slice(from, from + 250).map(message));
        await write(store, message(10_001), anEvent('member.added', { seq: 10_002 }));
        const { rows } = await admin.execute('SELECT DISTINCT tenant, session_id, bucket FROM millrace.events');
        expect(rows.map((row) => Number(row['bucket'])).toSorted((a, b) => a - b)).toEqual([0, 1, 10]);
        expect((await store.readEvents(SESSION, 990, 1_010, 1e9)).map(({ seq }) => seq)).toEqual(seqs.slice(989, 1_010));
        expect((await store.heldRanges(SESSION, [[1, 20_000]])).ranges).toEqual([
          [1, 1_100],
          [10_001, 10_002],
        ]);
        await write(store, anEvent('session.deleted', { seq: 10_003 }));
        const events = await store.readEvents(SESSION, 1, 10_003, 1e9);
        expect(events).toHaveLength(1_103);
        const messages = await store.readMessages(SESSION, [...seqs, 10_001], 1e9);
        expect(messages).toHaveLength(1_101);
        expect(JSON.stringify([events, messages])).not.toContain('secret');
        expect((await admin.execute('SELECT active FROM millrace.members')).rows).toMatchObject([{ active: false }]);
      });
    });

    it('erases again when the worker died in the middle of an erasure', async () => {
      await opened(async (store) => {
        const deleted = anEvent('session.deleted', { seq: 9 });
        const clock = BigInt(deleted.clock);
        await write(store, message(1));
        await admin.execute(
          'INSERT INTO millrace.erased_sessions (tenant, session_id, below_seq, clock) VALUES (?, ?, ?, ?) USING TIMESTAMP ?',
          ['default', 's1', 9n, clock, clock],
          { prepare: true },
        );
        await write(store, deleted);
        expect(JSON.stringify(await store.readMessages(SESSION, [1], 1e9))).not.toContain('secret');
      });
    });

    it('writes no tombstone: what a write does not name stays unset', async () => {
      await opened(async (store) => {
        await write(store, message(1), anEvent('message.updated', { seq: 2, data: { messageSeq: 1, text: 'edited' } }));
        const { rows } = await admin.execute(
          'SELECT WRITETIME(edited_at) AS edited, WRITETIME(parent_id) AS parent FROM millrace.messages',
        );
        expect(rows).toHaveLength(1);
        expect(rows[0]?.['edited']).toBeTypeOf('bigint');
        expect(rows[0]?.['parent']).toBeNull();
      });
    });

    it(
      'is unavailable while the node is away, no fault of the batch, and there again after it',
      { timeout: 120_000 },
      async () => {
        await opened(async (store) => {
          await write(store, message(1));
          await node.kill();
          await expect(write(store, message(2))).rejects.toBeInstanceOf(StoreUnavailable);
          await expect(store.health()).rejects.toThrow();
          await expect(openCassandraHistory({ settings, writes: true })).rejects.toBeInstanceOf(StoreUnavailable);
          await node.start();
          await expect.poll(async () => await store.health().then(() => 'well', String), { timeout: 30_000 }).toBe('well');
          // what was acknowledged before the kill is there
          await write(store, message(2));
          expect((await store.readMessages(SESSION, [1, 2], 1e9)).map(({ seq }) => seq)).toEqual([1, 2]);
        });
      },
    );
  });
});
