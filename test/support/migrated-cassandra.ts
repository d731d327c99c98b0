import { migrateCassandra } from '../../consumers/stores/history/cassandra-migrate.ts';
import { sharedCassandra } from './shared-cassandra.ts';

/** CASSANDRA_* of a keyspace that is ready for a system to be started on, in the Cassandra of this run. */
export async function migratedVariables(keyspace: string): Promise<Record<string, string>> {
  const node = await sharedCassandra();
  await migrateCassandra(node.settings(keyspace), () => {});
  return node.variables(keyspace);
}
