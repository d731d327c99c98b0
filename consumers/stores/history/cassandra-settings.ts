import { readFileSync } from 'node:fs';
import { SettingError } from '../../runtime/settings.ts';

/** Where the Cassandra is and how it is used, from CASSANDRA_*. */
export interface CassandraSettings {
  /** `host:port`, all with the same port */
  contactPoints: string[];
  /** of every node: the driver finds the others by their addresses alone */
  port: number;
  localDataCenter: string;
  keyspace: string;
  username?: string;
  password?: string;
  /** PEM of the authority that vouches for the nodes; absent: no TLS */
  tlsCa?: string;
  consistency: Consistency;
  /** copies per data centre, for a keyspace that is made; absent: chosen by the nodes that are there */
  replication?: Record<string, number>;
}

/** Levels at which reads see every acknowledged write: a lower one would answer pages without what was reported as persisted. */
export const CONSISTENCIES = ['QUORUM', 'LOCAL_QUORUM', 'ALL'] as const;
export type Consistency = (typeof CONSISTENCIES)[number];

const PORT_DEFAULT = 9_042;
const COPIES_MAX = 100;

type Environment = Readonly<Record<string, string | undefined>>;

/** Undefined when CASSANDRA_CONTACT_POINTS is not set. Throws a SettingError that names the variable. */
export function cassandraSettingsFrom(env: Environment): CassandraSettings | undefined {
  const points = listOf(env['CASSANDRA_CONTACT_POINTS'] ?? '');
  if (points.length === 0) return undefined;
  const parsed = points.map(contactPointFrom);
  const ports = new Set(parsed.map(({ port }) => port));
  const [port = PORT_DEFAULT] = ports;
  if (ports.size > 1)
    throw new SettingError('CASSANDRA_CONTACT_POINTS must all have the same port, as all nodes of a cluster do');
  const localDataCenter = env['CASSANDRA_LOCAL_DC'] || 'datacenter1';
  const keyspace = env['CASSANDRA_KEYSPACE'] || 'millrace';
  if (!/^[a-z][a-z0-9_]{0,47}$/.test(keyspace)) {
    throw new SettingError('CASSANDRA_KEYSPACE must be 1 to 48 of a-z, 0-9 and _, beginning with a letter');
  }
  const username = env['CASSANDRA_USERNAME'] || undefined;
  const password = env['CASSANDRA_PASSWORD'] || undefined;
  if ((username === undefined) !== (password === undefined)) {
    throw new SettingError('CASSANDRA_USERNAME and CASSANDRA_PASSWORD must be set together');
  }
  const tlsCa = certificateFrom(env['CASSANDRA_TLS_CA']);
  const replication = replicationFrom(env['CASSANDRA_REPLICATION'], localDataCenter);
  return {
    contactPoints: parsed.map(({ host }) => `${host}:${port}`),
    port,
    localDataCenter,
    keyspace,
    ...(username === undefined || password === undefined ? {} : { username, password }),
    ...(tlsCa === undefined ? {} : { tlsCa }),
    consistency: consistencyFrom(env['CASSANDRA_CONSISTENCY']),
    ...(replication === undefined ? {} : { replication }),
  };
}

function listOf(text: string): string[] {
  return text
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
}

/** `host`, `host:port`, `[v6]` or `[v6]:port`. */
function contactPointFrom(point: string): { host: string; port: number } {
  const [, host, portText] = /^(\[[0-9A-Fa-f:.]+\]|[\w.-]+)(?::(\d{1,5}))?$/.exec(point) ?? [];
  const port = Number(portText ?? PORT_DEFAULT);
  if (host === undefined || port < 1 || port > 65_535) {
    throw new SettingError('CASSANDRA_CONTACT_POINTS must be a comma-separated list of host:port');
  }
  return { host, port };
}

function consistencyFrom(name: string | undefined): Consistency {
  const wanted = (name || 'QUORUM').toUpperCase();
  const level = CONSISTENCIES.find((each) => each === wanted);
  if (level === undefined) throw new SettingError(`CASSANDRA_CONSISTENCY must be one of ${CONSISTENCIES.join(', ')}`);
  return level;
}

/** `3`, for the local data centre, or `dc1:3,dc2:3`. */
function replicationFrom(text: string | undefined, localDataCenter: string): Record<string, number> | undefined {
  if (text === undefined || text === '') return undefined;
  const entries = (/^\d+$/.test(text) ? [`${localDataCenter}:${text}`] : listOf(text)).map((each): [string, number] => {
    const [, dataCenter = '', copies] = /^([\w.-]+):(\d+)$/.exec(each) ?? [];
    return [dataCenter, Number(copies ?? 0)];
  });
  if (entries.some(([dataCenter, copies]) => dataCenter === '' || copies < 1 || copies > COPIES_MAX)) {
    throw new SettingError('CASSANDRA_REPLICATION must be a number of copies, or such per data centre: dc1:3,dc2:3');
  }
  return Object.fromEntries(entries);
}

/** The file's path or its contents: secret stores give one, mounts the other. */
function certificateFrom(value: string | undefined): string | undefined {
  if (value === undefined || value === '' || value.includes('BEGIN CERTIFICATE')) return value || undefined;
  try {
    return readFileSync(value, 'utf8');
  } catch {
    throw new SettingError('CASSANDRA_TLS_CA must be the PEM of a certificate authority, or the path of one that can be read');
  }
}
