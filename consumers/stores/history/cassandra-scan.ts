import type { Client, QueryOptions, types } from 'cassandra-driver';
import { backoffMs, wait } from '../../runtime/backoff.ts';
import { StoreUnavailable } from '../store-unavailable.ts';
import { asStoreFault, cassandraClient, connected } from './cassandra-client.ts';
import { cellsOf, pagesOf } from './cassandra-rows.ts';
import { isBucketed, partitionColumns, requireSchema, rowColumns } from './cassandra-schema.ts';
import type { CassandraSettings } from './cassandra-settings.ts';
import type { SessionKey } from './port.ts';
import { bucketOf, HISTORY_TABLES, type CellValue, type HistoryTable } from './tables.ts';

/** Reads the tables as they lie there, whoever wrote them: for whoever judges the store, not for queries. */

/** rows of one page: the largest event is some hundreds of kilobytes, and most are less than one */
const SCAN_PAGE_ROWS = 100;
/** a store that stays away for longer is said to be away */
const OUTAGE_MS_MAX = 60_000;
const RETRY_BOUNDS = { minMs: 250, maxMs: 2_000 };

const TABLES = Object.keys(HISTORY_TABLES) as HistoryTable[];

export interface ScannedRow {
  table: HistoryTable;
  /** of the partition in which it lies, where the table has buckets */
  bucket?: number;
  /** the rest of its key, where a session has more than one row; of several parts joined by spaces, of which no part has any */
  rowKey?: number | string;
  /** what is set, by cell, whether the row is whole or not */
  cells: Readonly<Record<string, CellValue>>;
}

export interface CassandraScan {
  /**
   * Every row of the session, a page at a time, table by table: of the buckets up to that of `throughSeq`, and of the one after
   * it. Waits through outages of a minute; rejects with a StoreUnavailable after that.
   */
  rows(session: SessionKey, throughSeq: number): AsyncGenerator<ScannedRow[]>;
  close(): Promise<void>;
}

/** Rejects when no node can be reached, or when the schema is not there. */
export async function openCassandraScan(settings: CassandraSettings): Promise<CassandraScan> {
  const client = await connected(cassandraClient(settings));
  try {
    await requireSchema(client, settings.keyspace);
  } catch (error) {
    await client.shutdown();
    throw asStoreFault(error);
  }
  return {
    rows: (session, throughSeq) => scan(client, settings.keyspace, session, throughSeq),
    close: async () => await client.shutdown(),
  };
}

async function* scan(
  client: Client,
  keyspace: string,
  { tenant, sessionId }: SessionKey,
  throughSeq: number,
): AsyncGenerator<ScannedRow[]> {
  const patient = {
    execute: async (cql: string, parameters: unknown[], options: QueryOptions): Promise<types.ResultSet> =>
      await throughOutages(async () => await client.execute(cql, parameters, options)),
  };
  for (const table of TABLES) {
    const where = partitionColumns(table).map((column) => `${column} = ?`);
    const cql = `SELECT * FROM ${keyspace}.${table} WHERE ${where.join(' AND ')}`;
    for (const bucket of bucketsOf(table, throughSeq)) {
      const partition = [tenant, sessionId, ...(bucket === undefined ? [] : [BigInt(bucket)])];
      for await (const rows of pagesOf(patient, cql, partition, SCAN_PAGE_ROWS)) {
        yield rows.map((row) => scanned(table, bucket, row));
      }
    }
  }
}

/** One after the last: what was written beyond the head is found too. */
function* bucketsOf(table: HistoryTable, throughSeq: number): Generator<number | undefined> {
  if (!isBucketed(table)) {
    yield undefined;
    return;
  }
  for (let bucket = 0; bucket <= bucketOf(table, throughSeq) + 1; bucket += 1) yield bucket;
}

function scanned(table: HistoryTable, bucket: number | undefined, row: types.Row): ScannedRow {
  const parts = rowColumns(table).map((column): unknown => row[column]);
  const named = parts.map((part) => (typeof part === 'bigint' ? Number(part) : typeof part === 'string' ? part : undefined));
  const rowKey = named.length > 1 ? named.join(' ') : named[0];
  return {
    table,
    ...(bucket === undefined ? {} : { bucket }),
    ...(rowKey === undefined ? {} : { rowKey }),
    cells: cellsOf(table, row),
  };
}

async function throughOutages<T>(work: () => Promise<T>): Promise<T> {
  const deadlineMs = Date.now() + OUTAGE_MS_MAX;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      const fault = asStoreFault(error);
      if (!(fault instanceof StoreUnavailable) || Date.now() > deadlineMs) throw fault;
      await wait(backoffMs(attempt, RETRY_BOUNDS, Math.random()));
    }
  }
}
