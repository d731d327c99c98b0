import { createHash, randomUUID } from 'node:crypto';
import cassandra, { type Client } from 'cassandra-driver';
import { backoffMs, wait } from '../../runtime/backoff.ts';
import { asStoreFault, cassandraClient, connected } from './cassandra-client.ts';
import { CQL_TABLES, createTableCql, SCHEMA_NAME, schemaVersion, type CqlTable } from './cassandra-schema.ts';
import type { CassandraSettings } from './cassandra-settings.ts';
import { HISTORY_SCHEMA_VERSION } from './tables.ts';

/** Makes the tables. Nothing else changes the schema, one process at a time, and only by adding. */

/** a holder that died is out after this; one that lives renews before every statement, each of which takes less */
const LOCK_TTL_S = 90;
const LOCK_WAIT_MS_MAX = 5 * 60_000;
const LOCK_POLL_BOUNDS = { minMs: 100, maxMs: 2_000 };
const DDL_MS_MAX = 60_000;
const COPIES_DEFAULT = 3;

/** What has to be there before there is a lock. */
const BEFORE_THE_LOCK = [
  ['schema_locks', '(name text PRIMARY KEY, holder text)'],
  ['schema_versions', '(name text PRIMARY KEY, version int, at timestamp)'],
] as const;

export type Say = (line: string) => void;

/**
 * Brings the keyspace to this program's schema and answers its version; what is there stays as it is. Rejects, with one line of
 * what to do, when the schema is newer, a column has another type, or another process holds the lock for five minutes.
 */
export async function migrateCassandra(settings: CassandraSettings, say: Say): Promise<number> {
  const client = await connected(cassandraClient(settings));
  try {
    const migration = new Migration(client, settings, say);
    await migration.run();
    return HISTORY_SCHEMA_VERSION;
  } catch (error) {
    throw asStoreFault(error);
  } finally {
    await client.shutdown();
  }
}

class Migration {
  readonly #client: Client;
  readonly #settings: CassandraSettings;
  readonly #keyspace: string;
  readonly #say: Say;
  readonly #holder = randomUUID();

  constructor(client: Client, settings: CassandraSettings, say: Say) {
    this.#client = client;
    this.#settings = settings;
    this.#keyspace = settings.keyspace;
    this.#say = say;
  }

  async run(): Promise<void> {
    if (await this.#isDone()) return this.#say(`${this.#keyspace} has history schema ${HISTORY_SCHEMA_VERSION} already`);
    await this.#prepareLock();
    await this.#lock();
    try {
      // who held the lock before may have done it
      if (await this.#isDone()) return this.#say(`${this.#keyspace} was brought to history schema ${HISTORY_SCHEMA_VERSION}`);
      for (const table of CQL_TABLES) await this.#bring(table);
      await this.#renew();
      await this.#client.execute(`INSERT INTO ${this.#keyspace}.schema_versions (name, version, at) VALUES (?, ?, ?)`, [
        SCHEMA_NAME,
        HISTORY_SCHEMA_VERSION,
        new Date(),
      ]);
      this.#say(`${this.#keyspace} has history schema ${HISTORY_SCHEMA_VERSION} now`);
    } finally {
      await this.#unlock();
    }
  }

  async #isDone(): Promise<boolean> {
    const version = await schemaVersion(this.#client, this.#keyspace);
    if (version > HISTORY_SCHEMA_VERSION) {
      throw new Error(
        `${this.#keyspace} has history schema ${version}, and this program makes ${HISTORY_SCHEMA_VERSION}: migrate with the newer one`,
      );
    }
    return version === HISTORY_SCHEMA_VERSION;
  }

  async #prepareLock(): Promise<void> {
    const known = await this.#client.execute('SELECT keyspace_name FROM system_schema.keyspaces WHERE keyspace_name = ?', [
      this.#keyspace,
    ]);
    if (known.rowLength === 0) {
      const copies = this.#settings.replication ?? this.#replicationByNodes();
      await this.#ddl(createKeyspaceCql(this.#keyspace, copies));
      this.#say(`keyspace ${this.#keyspace} made, copies ${JSON.stringify(copies)}`);
    }
    for (const [name, definition] of BEFORE_THE_LOCK) {
      await this.#ddl(
        `CREATE TABLE IF NOT EXISTS ${this.#keyspace}.${name} ${definition} WITH id = ${tableId(this.#keyspace, name)}`,
      );
    }
  }

  /** Three copies, or as many as there are nodes: more could never be written. */
  #replicationByNodes(): Record<string, number> {
    const { localDataCenter } = this.#settings;
    const nodes = this.#client.hosts.values().filter(({ datacenter }) => datacenter === localDataCenter).length;
    return { [localDataCenter]: Math.max(1, Math.min(COPIES_DEFAULT, nodes)) };
  }

  /** Makes the table, or the columns that it lacks. */
  async #bring(table: CqlTable): Promise<void> {
    await this.#renew();
    await this.#ddl(createTableCql(this.#keyspace, table));
    const found = await this.#client.execute(
      'SELECT column_name, type FROM system_schema.columns WHERE keyspace_name = ? AND table_name = ?',
      [this.#keyspace, table.name],
    );
    const types = new Map(found.rows.map((row) => [String(row['column_name']), String(row['type'])]));
    for (const [name, type] of table.columns) {
      const present = types.get(name);
      if (present === type) continue;
      if (present !== undefined) {
        throw new Error(
          `${this.#keyspace}.${table.name} has ${name} as ${present} instead of ${type}: this is not Millrace's table`,
        );
      }
      await this.#renew();
      await this.#ddl(`ALTER TABLE ${this.#keyspace}.${table.name} ADD IF NOT EXISTS ${name} ${type}`);
      this.#say(`column ${table.name}.${name} added`);
    }
  }

  /** A change of the schema, waited for until all nodes agree on it: the next one on top of a disagreement would corrupt it. */
  async #ddl(cql: string): Promise<void> {
    const { info } = await this.#client.execute(cql, [], { prepare: false, readTimeout: DDL_MS_MAX });
    // documented by the driver, and left out of its types
    if (Reflect.get(info, 'isSchemaInAgreement') === false)
      throw new Error('the nodes do not agree on the schema: see "nodetool describecluster", then migrate again');
  }

  async #lock(): Promise<void> {
    const deadlineMs = Date.now() + LOCK_WAIT_MS_MAX;
    for (let attempt = 1; Date.now() < deadlineMs; attempt += 1) {
      const cql = `INSERT INTO ${this.#keyspace}.schema_locks (name, holder) VALUES (?, ?) IF NOT EXISTS USING TTL ${LOCK_TTL_S}`;
      const row = await this.#conditional(cql, [SCHEMA_NAME, this.#holder]);
      // an answer that was lost may have been a yes
      if (row?.['[applied]'] === true || row?.['holder'] === this.#holder) return;
      if (attempt === 1) this.#say('waiting for another migration to end');
      await wait(backoffMs(attempt, LOCK_POLL_BOUNDS, Math.random()));
    }
    throw new Error('another migration holds the lock for five minutes: look for it, then migrate again');
  }

  async #renew(): Promise<void> {
    const cql = `UPDATE ${this.#keyspace}.schema_locks USING TTL ${LOCK_TTL_S} SET holder = ? WHERE name = ? IF holder = ?`;
    const row = await this.#conditional(cql, [this.#holder, SCHEMA_NAME, this.#holder]);
    if (row?.['[applied]'] !== true) throw new Error('the lock of the migration was lost: migrate again');
  }

  async #unlock(): Promise<void> {
    const cql = `DELETE FROM ${this.#keyspace}.schema_locks WHERE name = ? IF holder = ?`;
    // what cannot be given back ends by its time to live
    await this.#conditional(cql, [SCHEMA_NAME, this.#holder]).catch(() => undefined);
  }

  /** The row that a lightweight transaction answers. A repetition is not the same statement, so the driver must not repeat it. */
  async #conditional(cql: string, parameters: readonly unknown[]): Promise<cassandra.types.Row | undefined> {
    const result = await this.#client.execute(cql, [...parameters], {
      isIdempotent: false,
      serialConsistency: cassandra.types.consistencies.serial,
    });
    return result.rows[0];
  }
}

/** `copies` by data centre. */
export function createKeyspaceCql(keyspace: string, copies: Readonly<Record<string, number>>): string {
  const named = Object.entries(copies).map(([dataCenter, count]) => `'${dataCenter}': ${count}`);
  const replication = `{'class': 'NetworkTopologyStrategy', ${named.join(', ')}}`;
  return `CREATE KEYSPACE IF NOT EXISTS ${keyspace} WITH replication = ${replication}`;
}

/** Two that make the same table at once must make the same one, and not one each: its id follows from its name (RFC 9562, version 8). */
function tableId(keyspace: string, table: string): string {
  const hex = createHash('sha256').update(`${keyspace}.${table}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
