import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { rowsOf } from '../../consumers/projections/history.ts';
import { migrateCassandra } from '../../consumers/stores/history/cassandra-migrate.ts';
import { cassandraSettingsFrom } from '../../consumers/stores/history/cassandra-settings.ts';
import { openCassandraHistory } from '../../consumers/stores/history/cassandra.ts';
import type { HistoryStore } from '../../consumers/stores/history/port.ts';
import { anEvent } from '../contracts/events.ts';
import { startCqlTap, type CqlTap } from '../support/cql-tap.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { cassandraMissing, sharedCassandra, type SharedCassandra } from '../support/shared-cassandra.ts';

const KEYSPACE = 'consistency';
const SESSION = { tenant: 'default', sessionId: 's1' };
const EVENTS = 20;

/** Readers see every acknowledged write only where both sides ask for levels that overlap: looked at on the wire, not in our options. */
requireOrSkip('Cassandra', await cassandraMissing())('the consistency of what is asked of Cassandra', () => {
  let node: SharedCassandra;
  let writing: CqlTap;
  let reading: CqlTap;
  const stores: HistoryStore[] = [];

  beforeAll(async () => {
    node = await sharedCassandra();
    await migrateCassandra(node.settings(KEYSPACE), () => {});
  });
  beforeEach(async () => {
    writing = await startCqlTap(node.port);
    reading = await startCqlTap(node.port);
  });
  afterEach(async () => {
    for (const store of stores.splice(0)) await store.close();
    writing.close();
    reading.close();
  });
  afterAll(async () => await node?.start());

  async function open(tap: CqlTap, writes: boolean, env: Record<string, string>): Promise<HistoryStore> {
    const settings = cassandraSettingsFrom({ ...node.variables(KEYSPACE), CASSANDRA_CONTACT_POINTS: tap.contactPoint, ...env });
    if (settings === undefined) throw new Error('no settings');
    const store = await openCassandraHistory({ settings, writes });
    stores.push(store);
    return store;
  }

  // numbers of the native protocol, section 3
  test.each([
    ['QUORUM', {}, 4],
    ['ALL', { CASSANDRA_CONSISTENCY: 'ALL' }, 5],
    ['LOCAL_QUORUM', { CASSANDRA_CONSISTENCY: 'local_quorum' }, 6],
  ])('is %s in every write and every read', async (_name, env: Record<string, string>, level) => {
    const writer = await open(writing, true, env);
    const reader = await open(reading, false, env);
    const events = Array.from({ length: EVENTS }, (_, at) => anEvent('message.created', { seq: at + 1 }));
    const times = { publishedAtMs: 1, persistedAtMs: 2 };
    await writer.write([...events, anEvent('session.deleted', { seq: EVENTS + 1 })].flatMap((event) => rowsOf(event, times)));
    await writer.health();
    // a row each of events and messages, the session, and what the deletion writes again
    expect(writing.executed().length).toBeGreaterThan(4 * EVENTS);
    expect([...new Set(writing.executed())]).toEqual([level]);

    expect(await reader.readEvents(SESSION, 1, EVENTS, 1e6)).toHaveLength(EVENTS);
    expect(
      await reader.readMessages(
        SESSION,
        events.map(({ seq }) => seq),
        1e6,
      ),
    ).toHaveLength(EVENTS);
    expect((await reader.heldRanges(SESSION, [[1, 100]])).ranges).toEqual([[1, EVENTS + 1]]);
    await reader.health();
    expect(reading.executed().length).toBeGreaterThan(EVENTS);
    expect([...new Set(reading.executed())]).toEqual([level]);
  });
});
