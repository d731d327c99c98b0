import { inject } from 'vitest';
import { cassandraSettingsFrom, type CassandraSettings } from '../../consumers/stores/history/cassandra-settings.ts';
import { ensureCassandra } from '../../scripts/launch/cassandra.mjs';
import { askKeeper } from './node-keeper.ts';

/** Why no Cassandra can be had here, for `requireOrSkip('Cassandra', await cassandraMissing())`; undefined when it can. */
export async function cassandraMissing(): Promise<string | undefined> {
  return await ensureCassandra().then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
}

/** The Cassandra of this run. Each suite has a keyspace of its own in it. */
export interface SharedCassandra {
  contactPoint: string;
  port: number;
  /** CASSANDRA_* of a keyspace */
  variables(keyspace: string): Record<string, string>;
  settings(keyspace: string): CassandraSettings;
  /** Ends it as a crash would; `start` brings it back, and so does the next suite. */
  kill(): Promise<void>;
  /** Resolves once it answers. */
  start(): Promise<void>;
}

/** Starts it when it does not run. */
export async function sharedCassandra(): Promise<SharedCassandra> {
  const control = inject('cassandraControl');
  const contactPoint = await askKeeper('Cassandra', control, '/start');
  const variables = (keyspace: string): Record<string, string> => {
    return { CASSANDRA_CONTACT_POINTS: contactPoint, CASSANDRA_KEYSPACE: keyspace };
  };
  return {
    contactPoint,
    port: Number(contactPoint.split(':')[1]),
    variables,
    settings(keyspace) {
      const settings = cassandraSettingsFrom(variables(keyspace));
      if (settings === undefined) throw new Error('no settings');
      return settings;
    },
    kill: async () => void (await askKeeper('Cassandra', control, '/kill')),
    start: async () => void (await askKeeper('Cassandra', control, '/start')),
  };
}
