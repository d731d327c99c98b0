import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureChdb } from '../../scripts/launch/chdb.mjs';
import { startCassandra } from '../../scripts/launch/cassandra.mjs';
import { openSearchDirectory, startOpenSearch } from '../../scripts/launch/opensearch.mjs';
import { freePorts } from '../../scripts/supervisor/ports.ts';
import type { TargetName } from './targets.ts';

/** The database of a target, for as long as it is measured. */
export interface Database {
  /** what tells the consumers, and the driver, of a fresh keyspace, index or directory in it */
  variables(name: string, dataDir: string): Record<string, string>;
  stop(): Promise<void>;
}

const HEAP_MIB = 1_024;

/** Rejects with one line when it cannot be had. */
export async function startDatabase(target: TargetName, directory: string): Promise<Database> {
  if (target === 'history-cassandra') {
    const [port = 0, storagePort = 0] = await freePorts(2);
    const node = await startCassandra({ directory: join(directory, 'cassandra'), port, storagePort, heapMiB: HEAP_MIB });
    const variables = (name: string): Record<string, string> => {
      return { CASSANDRA_CONTACT_POINTS: node.contactPoint, CASSANDRA_KEYSPACE: name, CASSANDRA_REPLICATION: '1' };
    };
    return { variables, stop: async () => await node.stop() };
  }
  if (target === 'search-opensearch') {
    const [port = 0, transportPort = 0] = await freePorts(2);
    // it does not run as root, and whoever it runs as comes through here
    await chmod(directory, 0o755);
    const place = openSearchDirectory(join(directory, 'opensearch'), `millrace-bench-opensearch-${port}`);
    await mkdir(place, { recursive: true });
    const node = await startOpenSearch({ directory: place, port, transportPort, heapMiB: HEAP_MIB });
    return { variables: (name) => ({ SEARCH_URL: node.url, SEARCH_INDEX: name }), stop: async () => await node.stop() };
  }
  const module = target === 'analytics-clickhouse' ? await ensureChdb() : undefined;
  return {
    variables: (_name, dataDir) => {
      const chosen: Record<string, string> = {};
      if (module === undefined) return chosen;
      return { ANALYTICS_URL: `chdb:${join(dataDir, 'clickhouse')}`, CHDB_MODULE: module };
    },
    stop: async () => await Promise.resolve(),
  };
}
