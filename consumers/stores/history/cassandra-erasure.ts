import type { Client } from 'cassandra-driver';
import { pagesOf } from './cassandra-rows.ts';
import { insertCql, isBucketed, partitionColumns, rowColumns } from './cassandra-schema.ts';
import { eachInFlight } from './in-flight.ts';
import type { EraseSession, RowWrite, SessionKey } from './port.ts';
import { bucketOf, columnOf, ERASED_DATA, ERASED_MESSAGE_CELLS, type CellValue, type HistoryTable } from './tables.ts';

/**
 * The erasure of deleted sessions. Whoever writes a row looks for a note of a deletion after the row is there, and whoever
 * deletes looks for rows after the note is there. As each sees what was acknowledged before it looked, no row slips through
 * between two workers.
 */

/** keys of one page of a partition: small rows, so that a page is some tens of kilobytes */
const ERASE_PAGE_ROWS = 1_000;
const ERASES_IN_FLIGHT_MAX = 64;

/** what a session's deletion writes over every row, by table */
const ERASED_CELLS: Readonly<Partial<Record<HistoryTable, Readonly<Record<string, CellValue>>>>> = {
  events: { data: ERASED_DATA },
  messages: ERASED_MESSAGE_CELLS,
  members: { active: false },
};
const ERASED_TABLES = Object.keys(ERASED_CELLS) as HistoryTable[];

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

  /** What was noted of the session's deletion, done or not. */
  async erasureOf(session: SessionKey): Promise<Erasure | undefined> {
    return await this.#note(session);
  }

  /** A row that came after its session's deletion: only that one, for a backlog of such rows would otherwise cost its square. */
  async eraseRow({ table, key }: RowWrite, erasure: Erasure): Promise<void> {
    const rowKey = 'seq' in key ? BigInt(key.seq) : 'userId' in key ? key.userId : undefined;
    if (rowKey === undefined || ERASED_CELLS[table] === undefined) return;
    const bucket = isBucketed(table) && 'seq' in key ? [BigInt(bucketOf(table, key.seq))] : [];
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
    const [rowColumn = ''] = rowColumns(table);
    const where = partitionColumns(table).map((column) => `${column} = ?`);
    const cql = `SELECT ${rowColumn} FROM ${this.#keyspace}.${table} WHERE ${where.join(' AND ')}`;
    for await (const rows of pagesOf(this.#client, cql, partition, ERASE_PAGE_ROWS)) {
      const keys = rows.map((row): RowKey => row[rowColumn] as RowKey);
      await eachInFlight(keys, ERASES_IN_FLIGHT_MAX, async (key) => await this.#eraseKey(table, partition, key, erasure));
    }
  }

  async #eraseKey(
    table: HistoryTable,
    partition: readonly RowKey[],
    rowKey: RowKey,
    { belowSeq, clock }: Erasure,
  ): Promise<void> {
    if (typeof rowKey === 'bigint' && rowKey >= BigInt(belowSeq)) return;
    const key = Object.fromEntries(
      [...partitionColumns(table), ...rowColumns(table)].map((column, index): [string, RowKey] => [
        column,
        [...partition, rowKey][index] ?? '',
      ]),
    );
    const cells = Object.entries(ERASED_CELLS[table] ?? {}).map(([cell, value]): [string, CellValue] => [columnOf(cell), value]);
    await this.#write(table, { ...key, ...Object.fromEntries(cells) }, clock);
  }

  async #write(table: string, columns: Readonly<Record<string, CellValue>>, clock: bigint): Promise<void> {
    await this.#client.execute(insertCql(this.#keyspace, table, Object.keys(columns)), [...Object.values(columns), clock]);
  }
}

/** The key of each partition that holds rows below a seq. */
function* partitionsOf(table: HistoryTable, { tenant, sessionId }: SessionKey, belowSeq: number): Generator<RowKey[]> {
  const last = isBucketed(table) ? bucketOf(table, Math.max(0, belowSeq - 1)) : 0;
  for (let bucket = 0; bucket <= last; bucket += 1) {
    yield isBucketed(table) ? [tenant, sessionId, BigInt(bucket)] : [tenant, sessionId];
  }
}
