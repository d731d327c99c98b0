import cassandra, { type Client } from 'cassandra-driver';
import { cassandraClient } from './cassandra-client.ts';
import { schemaVersion } from './cassandra-schema.ts';
import type { CassandraSettings } from './cassandra-settings.ts';
import { HISTORY_SCHEMA_VERSION } from './tables.ts';

/** What there is of Cassandra, and what is wrong with it, for whoever tells people. Reads only. */

export type CassandraDiagnosis =
  | { kind: 'unreachable' | 'login'; why: string }
  | { kind: 'dataCenter'; dataCenters: readonly string[] }
  | { kind: 'keyspace' }
  | {
      kind: 'seen';
      version: string;
      schema: number;
      schemaNeeded: number;
      /** copies by data centre; undefined of a strategy that does not know data centres */
      copies: Readonly<Record<string, number>> | undefined;
      nodes: number;
    };

/** Rejects with what it cannot explain. */
export async function diagnoseCassandra(settings: CassandraSettings): Promise<CassandraDiagnosis> {
  // whatever data centre we were told: the driver refuses one that no node is in, and does not say which there are
  const client = cassandraClient(settings, 'anywhere');
  try {
    await client.connect();
    const dataCenters = [...new Set(client.hosts.values().map(({ datacenter }) => datacenter))];
    return dataCenters.includes(settings.localDataCenter) ? await seen(client, settings) : { kind: 'dataCenter', dataCenters };
  } catch (failure) {
    const known = unreached(failure);
    if (known === undefined) throw failure;
    return known;
  } finally {
    await client.shutdown();
  }
}

/** Undefined: it is not that. */
function unreached(failure: unknown): CassandraDiagnosis | undefined {
  const { AuthenticationError, NoHostAvailableError } = cassandra.errors;
  const all =
    failure instanceof NoHostAvailableError ? Object.values(Object(failure.innerErrors) as Record<string, unknown>) : [failure];
  const login = all.find((each) => each instanceof AuthenticationError);
  if (login !== undefined) return { kind: 'login', why: login.message };
  if (!(failure instanceof NoHostAvailableError)) return undefined;
  const [first] = all;
  return { kind: 'unreachable', why: first instanceof Error ? first.message : 'no node answers' };
}

async function seen(client: Client, { keyspace }: CassandraSettings): Promise<CassandraDiagnosis> {
  const keyspaces = await client.execute('SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = ?', [keyspace]);
  const row = keyspaces.first();
  if (row === null || row === undefined) return { kind: 'keyspace' };
  const local = await client.execute('SELECT release_version FROM system.local');
  return {
    kind: 'seen',
    version: String(local.first()?.['release_version'] ?? ''),
    schema: await schemaVersion(client, keyspace),
    schemaNeeded: HISTORY_SCHEMA_VERSION,
    copies: copiesOf(row['replication']),
    nodes: client.hosts.length,
  };
}

function copiesOf(replication: unknown): Record<string, number> | undefined {
  const all = Object(replication) as Record<string, unknown>;
  if (!String(all['class']).endsWith('NetworkTopologyStrategy')) return undefined;
  return Object.fromEntries(Object.entries(all).flatMap(([name, count]) => (name === 'class' ? [] : [[name, Number(count)]])));
}
