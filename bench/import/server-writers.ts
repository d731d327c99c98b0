import { createClient } from '@clickhouse/client';
import { rowOf } from '../../consumers/projections/analytics.ts';
import { rowsOf } from '../../consumers/projections/history.ts';
import { searchWriteOf } from '../../consumers/projections/search.ts';
import type { Settings } from '../../consumers/settings.ts';
import { eventValue } from '../../consumers/stores/analytics/clickhouse.ts';
import { CLICKHOUSE_TABLES } from '../../consumers/stores/analytics/clickhouse-schema.ts';
import { chdbConnection } from '../../consumers/stores/analytics/open.ts';
import { TouchedMemory } from '../../consumers/stores/history/archive.ts';
import { touchedStatement } from '../../consumers/stores/history/cassandra-archive.ts';
import { cassandraClient, connected } from '../../consumers/stores/history/cassandra-client.ts';
import { migrateCassandra } from '../../consumers/stores/history/cassandra-migrate.ts';
import { statementOf, type Statement } from '../../consumers/stores/history/cassandra-statement.ts';
import { eachInFlight } from '../../consumers/stores/history/in-flight.ts';
import { openCassandraHistory } from '../../consumers/stores/history/cassandra.ts';
import { bulkLines, indexed } from '../../consumers/stores/search/opensearch.ts';
import { ensureIndex } from '../../consumers/stores/search/opensearch-index.ts';
import { okOr, openSearchCalls, propertyOf } from '../../consumers/stores/search/opensearch-http.ts';
import { partsOf, type Writer } from './writer.ts';

/** The databases' own clients. */

/** documents of one bulk; more in flight are more bulks at a time */
const BULK_DOCUMENTS_MAX = 256;
const CALL_MS_MAX = 120_000;

/** cassandra-driver: prepared statements at the read model's own consistency, so many on their way. */
export async function openCassandraWriter({ cassandra }: Settings, nowMs: number): Promise<Writer<Statement>> {
  if (cassandra === undefined) throw new Error('no Cassandra is set');
  await migrateCassandra(cassandra, () => {});
  const client = await connected(cassandraClient(cassandra));
  const touched = new TouchedMemory();
  const times = { publishedAtMs: nowMs, persistedAtMs: nowMs };
  return {
    writesOf(event) {
      const rows = rowsOf(event, times).filter((write) => write.kind === 'row');
      const places = touched.unknownOf(rows);
      touched.add(places);
      return [
        ...places.map((place) => touchedStatement(cassandra.keyspace, place)),
        ...rows.flatMap((row) => statementOf(cassandra.keyspace, row) ?? []),
      ];
    },
    async write(writes, inFlight) {
      await eachInFlight(writes, inFlight, async ({ cql, parameters }) => void (await client.execute(cql, parameters)));
    },
    async count() {
      const store = await openCassandraHistory({ settings: cassandra, writes: false });
      let events = 0;
      for await (const page of store.scanEvents()) events += page.events.length;
      await store.close();
      return events;
    },
    close: async () => await client.shutdown(),
  };
}

/** Bulks over the same HTTP client, each item with its external version. */
export async function openOpenSearchWriter({ openSearch }: Settings): Promise<Writer<string>> {
  if (openSearch === undefined) throw new Error('no OpenSearch is set');
  const call = openSearchCalls(openSearch);
  await ensureIndex(call, openSearch.index, true);
  const bulk = async (lines: readonly string[]): Promise<void> => {
    const path = `/${openSearch.index}/_bulk?require_alias=true`;
    const answer = okOr('a bulk', await call('POST', path, { lines: lines.join('') }, CALL_MS_MAX));
    // an older version of a document that bulks at a time have swapped is no failure
    const items = propertyOf(answer, 'items') as { index: { status: number } }[];
    const refused = items.find(({ index }) => index.status >= 300 && index.status !== 409);
    if (refused !== undefined) throw new Error(`a document: ${refused.index.status}`);
  };
  return {
    writesOf(event) {
      const write = searchWriteOf(event);
      return write === undefined ? [] : [bulkLines(indexed(write))];
    },
    async write(writes, inFlight) {
      const documents = Math.min(BULK_DOCUMENTS_MAX, inFlight);
      await eachInFlight(partsOf(writes, documents), inFlight / documents, bulk);
    },
    async count() {
      okOr('refreshing', await call('POST', `/${openSearch.index}/_refresh`, undefined, CALL_MS_MAX));
      const query = { query: { terms: { kind: ['message', 'stub'] } } };
      return Number(propertyOf(okOr('counting', await call('POST', `/${openSearch.index}/_count`, query, CALL_MS_MAX)), 'count'));
    },
    close: async () => await Promise.resolve(),
  };
}

/** @clickhouse/client on the same engine, an insert per so many rows. */
export async function openClickHouseWriter({ analytics }: Settings): Promise<Writer<object>> {
  if (analytics?.kind !== 'engine') throw new Error('no engine of ClickHouse is set');
  const { connection, release } = await chdbConnection(analytics);
  const client = createClient({ connection, clickhouse_settings: { wait_end_of_query: 1 } });
  for (const { query } of CLICKHOUSE_TABLES) await client.command({ query });
  return {
    writesOf: (event) => [eventValue(rowOf(event))],
    async write(writes, inFlight) {
      for (const values of partsOf(writes, inFlight)) await client.insert({ table: 'events', values, format: 'JSONEachRow' });
    },
    async count() {
      const result = await client.query({ query: 'SELECT count() AS count FROM events FINAL', format: 'JSONEachRow' });
      const [row] = await result.json<{ count: string }>();
      return Number(row?.count);
    },
    close: release,
  };
}
