import type { Client } from 'cassandra-driver';
import { pagesOf } from './cassandra-rows.ts';
import { insertCql, isBucketed, partitionColumns, rowColumns } from './cassandra-schema.ts';
import { eachInFlight } from './in-flight.ts';
import type { EraseSession, RowWrite, SessionKey } from './port.ts';
import { bucketOf, columnOf, ERASED_CELLS, ERASED_TABLES, rowKeyOf, type CellValue, type HistoryTable } from './tables.ts';

/**
 * The erasure of deleted sessions. Whoever writes a row looks for a note of a deletion after the row is there, and whoever
 * deletes looks for rows after the note is there. As each sees what was acknowledged before it looked, no row slips through
 * between two workers.
 */

/** keys of one page of a partition: small rows, so that a page is some tens of kilobytes */
const ERASE_PAGE_ROWS = 1_000;
const ERASES_IN_FLIGHT_MAX = 64;
/** partitions that one node is to look into at once */
const SESSIONS_PER_LOOK_MAX = 32;
const LOOKS_IN_FLIGHT_MAX = 16;

export interface Erasure {
  belowSeq: number;
  clock: bigint;
}

type RowKey = string | bigint;

export class CassandraErasure {
  readonly #client: Client;
  readonly #keyspace: string;

  constructor(client: Client, keyspace: string) {
    this.#client = client;
    this.#keyspace = keyspace;
  }

  /** Erases all that is there below the deletion; what comes later is erased as it comes. */
  async eraseSession({ tenant, sessionId, belowSeq, clock }: EraseSession): Promise<void> {
    const note = await this.#note({ tenant, sessionId });
    if (note !== undefined && note.doneClock >= clock) return;
    // the deletion with the higher clock has the higher seq too, so both columns come from one deletion
    await this.#write('erased_sessions', { tenant, session_id: sessionId, below_seq: BigInt(belowSeq), clock }, clock);
    for (const table of ERASED_TABLES) {
      for (const partition of partitionsOf(table, { tenant, sessionId }, belowSeq)) {
        await this.#erasePartition(table, partition, { belowSeq, clock });
      }
    }
    // only now: a worker that dies before this begins anew
    await this.#write('erased_sessions', { tenant, session_id: sessionId, done_clock: clock }, clock);
  }

  /** What was noted of the deletions of these sessions, done or not; of most there is nothing. */
  async erasuresOf(sessions: readonly SessionKey[]): Promise<[SessionKey, Erasure][]> {
    const cql = `SELECT session_id, below_seq, clock FROM ${this.#keyspace}.erased_sessions
      WHERE tenant = ? AND session_id IN ?`;
    const found: [SessionKey, Erasure][] = [];
    await eachInFlight(looksFor(sessions), LOOKS_IN_FLIGHT_MAX, async ({ tenant, sessionIds }) => {
      for (const row of (await this.#client.execute(cql, [tenant, sessionIds])).rows) {
        const clock: unknown = row['clock'];
        if (typeof clock !== 'bigint') continue;
        found.push([
          { tenant, sessionId: String(row['session_id']) },
          { belowSeq: Number(row['below_seq']), clock },
        ]);
      }
    });
    return found;
  }

  /** A row that came after its session's deletion: only that one, for a backlog of such rows would otherwise cost its square. */
  async eraseRow({ table, key }: RowWrite, erasure: Erasure): Promise<void> {
    const rowKey = rowKeyOf(table, { ...key }).map((part): RowKey => (typeof part === 'number' ? BigInt(part) : part));
    if (rowKey.length === 0 || ERASED_CELLS[table] === undefined) return;
    const bucket = isBucketed(table) ? [BigInt(bucketOf(table, Number(rowKey[0])))] : [];
    await this.#eraseKey(table, [key.tenant, key.sessionId, ...bucket], rowKey, erasure);
  }

  async #note({ tenant, sessionId }: SessionKey): Promise<(Erasure & { doneClock: bigint }) | undefined> {
    const cql = `SELECT below_seq, clock, done_clock FROM ${this.#keyspace}.erased_sessions WHERE tenant = ? AND session_id = ?`;
    const row = (await this.#client.execute(cql, [tenant, sessionId])).first();
    const clock: unknown = row?.['clock'];
    if (typeof clock !== 'bigint') return undefined;
    const doneClock: unknown = row?.['done_clock'];
    return { belowSeq: Number(row?.['below_seq']), clock, doneClock: typeof doneClock === 'bigint' ? doneClock : 0n };
  }

  async #erasePartition(table: HistoryTable, partition: readonly RowKey[], erasure: Erasure): Promise<void> {
    const columns = rowColumns(table);
    const where = partitionColumns(table).map((column) => `${column} = ?`);
    const cql = `SELECT ${columns.join(', ')} FROM ${this.#keyspace}.${table} WHERE ${where.join(' AND ')}`;
    for await (const rows of pagesOf(this.#client, cql, partition, ERASE_PAGE_ROWS)) {
      const keys = rows.map((row) => columns.map((column): RowKey => row[column] as RowKey));
      await eachInFlight(keys, ERASES_IN_FLIGHT_MAX, async (key) => await this.#eraseKey(table, partition, key, erasure));
    }
  }

  async #eraseKey(
    table: HistoryTable,
    partition: readonly RowKey[],
    rowKey: readonly RowKey[],
    { belowSeq, clock }: Erasure,
  ): Promise<void> {
    const [first = ''] = rowKey;
    if (typeof first === 'bigint' && first >= BigInt(belowSeq)) return;
    const values = [...partition, ...rowKey];
    const key = Object.fromEntries(
      [...partitionColumns(table), ...rowColumns(table)].map((column, index): [string, RowKey] => [column, values[index] ?? '']),
    );
    const cells = Object.entries<CellValue>(ERASED_CELLS[table] ?? {}).map(([cell, value]): [string, CellValue] => [
      columnOf(cell),
      value,
    ]);
    await this.#write(table, { ...key, ...Object.fromEntries(cells) }, clock);
  }

  async #write(table: string, columns: Readonly<Record<string, CellValue>>, clock: bigint): Promise<void> {
    await this.#client.execute(insertCql(this.#keyspace, table, Object.keys(columns)), [...Object.values(columns), clock]);
  }
}

function* looksFor(sessions: readonly SessionKey[]): Generator<{ tenant: string; sessionIds: string[] }> {
  const idsOf = new Map<string, string[]>();
  for (const { tenant, sessionId } of sessions) {
    const ids = idsOf.get(tenant);
    if (ids === undefined) idsOf.set(tenant, [sessionId]);
    else ids.push(sessionId);
  }
  for (const [tenant, ids] of idsOf) {
    for (let at = 0; at < ids.length; at += SESSIONS_PER_LOOK_MAX) {
      yield { tenant, sessionIds: ids.slice(at, at + SESSIONS_PER_LOOK_MAX) };
    }
  }
}

/** The key of each partition that holds rows below a seq. */
function* partitionsOf(table: HistoryTable, { tenant, sessionId }: SessionKey, belowSeq: number): Generator<RowKey[]> {
  const last = isBucketed(table) ? bucketOf(table, Math.max(0, belowSeq - 1)) : 0;
  for (let bucket = 0; bucket <= last; bucket += 1) {
    yield isBucketed(table) ? [tenant, sessionId, BigInt(bucket)] : [tenant, sessionId];
  }
}
