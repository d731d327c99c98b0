import type { Client, types } from 'cassandra-driver';
import {
  HOUR_MS,
  ARCHIVE_PAGE_EVENTS,
  pageOf,
  TOUCHED_HOURS_KEPT,
  type ArchivePage,
  type ArchivePlace,
  type Touched,
  type TouchedHour,
} from './archive.ts';
import { patient } from './cassandra-patience.ts';
import { cellsOf, pagesOf, type Executor } from './cassandra-rows.ts';
import { insertCql, POSITIONS_TABLE, TOUCHED_TABLE } from './cassandra-schema.ts';
import type { Statement } from './cassandra-statement.ts';
import { eachInFlight } from './in-flight.ts';

/** The archive in Cassandra, by time and from end to end. */

/** partitions of an hour: what many workers write at a time lies on many nodes */
const SHARDS = 16;
const WRITES_IN_FLIGHT_MAX = 64;
/** of one partition in one statement: below the 5 KiB at which a server warns */
const BATCH_ROWS_MAX = 25;
const TOUCHED_PAGE = 1_000;
const TOUCHED_TTL_S = (TOUCHED_HOURS_KEPT * HOUR_MS) / 1_000;
const COLUMNS = 'tenant, session_id, seq, envelope, data, published_at, persisted_at';
/** the ring (Murmur3 partitioner) is read in so many parts, for the progress and so that no query is over all of it */
const SCAN_PARTS = 256n;
const TOKEN_MIN = -(2n ** 63n);
const TOKENS = 2n ** 64n;

export class CassandraArchive {
  readonly #client: Client;
  readonly #keyspace: string;

  constructor(client: Client, keyspace: string) {
    this.#client = client;
    this.#keyspace = keyspace;
  }

  /** The same entry is the same row, whoever writes it; gone after TOUCHED_HOURS_KEPT. Those of one partition go in one statement. */
  async writeTouched(entries: readonly TouchedHour[]): Promise<void> {
    const partitions = new Map<string, TouchedHour[]>();
    for (const entry of entries) {
      const name = `${entry.hour} ${shardOf(entry)}`;
      partitions.set(name, [...(partitions.get(name) ?? []), entry]);
    }
    const batches = [...partitions.values()].flatMap((partition) => chunksOf(partition, BATCH_ROWS_MAX));
    await eachInFlight(batches, WRITES_IN_FLIGHT_MAX, async (batch) => {
      const statements = batch.map((entry) => {
        const { cql, parameters } = touchedStatement(this.#keyspace, entry);
        return { query: cql, params: parameters };
      });
      await this.#client.batch(statements, { prepare: true, logged: false });
    });
  }

  async *touched(hour: number): AsyncGenerator<Touched[]> {
    const cql = `SELECT tenant, session_id, bucket FROM ${this.#keyspace}.${TOUCHED_TABLE} WHERE hour = ? AND shard = ?`;
    for (let shard = 0; shard < SHARDS; shard += 1) {
      for await (const rows of pagesOf(this.#client, cql, [BigInt(hour), BigInt(shard)], TOUCHED_PAGE)) {
        const page = rows.map((row) => ({
          tenant: String(row['tenant']),
          sessionId: String(row['session_id']),
          bucket: Number(row['bucket']),
        }));
        if (page.length > 0) yield page;
      }
    }
  }

  async *eventsOf({ tenant, sessionId, bucket }: Touched): AsyncGenerator<ArchivePage> {
    const cql = `SELECT ${COLUMNS} FROM ${this.#keyspace}.events WHERE tenant = ? AND session_id = ? AND bucket = ?`;
    yield* archivedPages(this.#client, cql, [tenant, sessionId, BigInt(bucket)]);
  }

  async *scanEvents(): AsyncGenerator<ArchivePage & { done: number }> {
    const token = 'token(tenant, session_id, bucket)';
    const cql = `SELECT ${COLUMNS} FROM ${this.#keyspace}.events WHERE ${token} > ? AND ${token} <= ?`;
    const boundary = (part: bigint): bigint => TOKEN_MIN + (TOKENS * part) / SCAN_PARTS - (part === SCAN_PARTS ? 1n : 0n);
    for (let part = 0n; part < SCAN_PARTS; part += 1n) {
      // no partition has the lowest token, so nothing lies at the open end
      for await (const page of archivedPages(patient(this.#client), cql, [boundary(part), boundary(part + 1n)])) {
        yield { ...page, done: Number(part) / Number(SCAN_PARTS) };
      }
    }
  }

  async readNote(name: string): Promise<string | undefined> {
    return (await this.#note(name))?.note;
  }

  /** Later than what it replaces by the store's own word: the clocks of two workers may be minutes apart. */
  async writeNote(name: string, note: string): Promise<void> {
    const before = (await this.#note(name))?.writtenAtUs ?? 0n;
    const nowUs = BigInt(Date.now()) * 1_000n;
    const cql = insertCql(this.#keyspace, POSITIONS_TABLE, ['name', 'note']);
    await this.#client.execute(cql, [name, note, nowUs > before ? nowUs : before + 1n]);
  }

  async #note(name: string): Promise<{ note: string; writtenAtUs: bigint } | undefined> {
    const cql = `SELECT note, WRITETIME(note) AS written FROM ${this.#keyspace}.${POSITIONS_TABLE} WHERE name = ?`;
    const row = (await this.#client.execute(cql, [name])).first();
    const note: unknown = row?.['note'];
    const writtenAtUs: unknown = row?.['written'];
    return typeof note === 'string' && typeof writtenAtUs === 'bigint' ? { note, writtenAtUs } : undefined;
  }
}

/** What writes an entry of `touched`. Pure. */
export function touchedStatement(keyspace: string, entry: TouchedHour): Statement {
  const { hour, tenant, sessionId, bucket } = entry;
  const cql = `INSERT INTO ${keyspace}.${TOUCHED_TABLE} (hour, shard, tenant, session_id, bucket) VALUES (?, ?, ?, ?, ?)
    USING TTL ${TOUCHED_TTL_S}`;
  return { cql, parameters: [BigInt(hour), BigInt(shardOf(entry)), tenant, sessionId, BigInt(bucket)] };
}

async function* archivedPages(client: Executor, cql: string, parameters: readonly unknown[]): AsyncGenerator<ArchivePage> {
  for await (const rows of pagesOf(client, cql, parameters, ARCHIVE_PAGE_EVENTS)) {
    const page = pageOf(rows.map((row) => ({ place: placeOf(row), cells: cellsOf('events', row) })));
    if (page !== undefined) yield page;
  }
}

function placeOf(row: types.Row): ArchivePlace {
  return { tenant: String(row['tenant']), sessionId: String(row['session_id']), seq: Number(row['seq']) };
}

/** FNV-1a: it only has to be the same everywhere, and even. */
function shardOf({ tenant, sessionId, bucket }: Touched): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(`${tenant} ${sessionId} ${bucket}`)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash % SHARDS;
}

function chunksOf<T>(values: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(values.length / size) }, (_none, index) =>
    values.slice(index * size, (index + 1) * size),
  );
}
