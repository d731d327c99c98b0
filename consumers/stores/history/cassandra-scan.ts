import type { types } from 'cassandra-driver';
import { asStoreFault, cassandraClient, connected } from './cassandra-client.ts';
import { patient } from './cassandra-patience.ts';
import { cellsOf, pagesOf, type Executor } from './cassandra-rows.ts';
import { isBucketed, partitionColumns, requireSchema, rowColumns } from './cassandra-schema.ts';
import type { CassandraSettings } from './cassandra-settings.ts';
import type { SessionKey } from './port.ts';
import { joinedKey, keyPart, type HistoryScan, type ScannedRow } from './scan.ts';
import { bucketOf, columnOf, HISTORY_TABLES, type HistoryTable, type TableDescription } from './tables.ts';

/** The history tables in Cassandra, for whoever judges them: see HistoryScan. */

/** rows of one page: the largest event is some hundreds of kilobytes, and most are less than one */
const SCAN_PAGE_ROWS = 100;
const SESSIONS_PAGE = 1_000;

const TABLES = Object.keys(HISTORY_TABLES) as HistoryTable[];

/** Rejects when no node can be reached, or when the schema is not there. */
export async function openCassandraScan(settings: CassandraSettings): Promise<HistoryScan> {
  const client = await connected(cassandraClient(settings));
  try {
    await requireSchema(client, settings.keyspace);
  } catch (error) {
    await client.shutdown();
    throw asStoreFault(error);
  }
  return {
    rows: (session, throughSeq, tables = TABLES) => scan(patient(client), settings.keyspace, session, throughSeq, tables),
    sessions: () => sessionsOf(patient(client), settings.keyspace),
    close: async () => await client.shutdown(),
  };
}

async function* scan(
  client: Executor,
  keyspace: string,
  { tenant, sessionId }: SessionKey,
  throughSeq: number,
  tables: readonly HistoryTable[],
): AsyncGenerator<ScannedRow[]> {
  for (const table of tables) {
    const where = partitionColumns(table).map((column) => `${column} = ?`);
    const cql = `SELECT ${selected(table)} FROM ${keyspace}.${table} WHERE ${where.join(' AND ')}`;
    for (const bucket of bucketsOf(table, throughSeq)) {
      const partition = [tenant, sessionId, ...(bucket === undefined ? [] : [BigInt(bucket)])];
      for await (const rows of pagesOf(client, cql, partition, SCAN_PAGE_ROWS)) {
        yield rows.map((row) => scanned(table, bucket, row));
      }
    }
  }
}

/** Every column, and beside each cell when it was written: its clock. */
function selected(table: HistoryTable): string {
  const cells = Object.keys(HISTORY_TABLES[table].cells).map(columnOf);
  return [...rowColumns(table), ...cells, ...cells.map((cell) => `WRITETIME(${cell}) AS ${clockName(cell)}`)].join(', ');
}

function clockName(column: string): string {
  return `${column}_clock`;
}

/** Partitions come in the order of their tokens, so a session with several comes as often. */
async function* sessionsOf(client: Executor, keyspace: string): AsyncGenerator<SessionKey[]> {
  const cql = `SELECT DISTINCT tenant, session_id, bucket FROM ${keyspace}.events`;
  for await (const rows of pagesOf(client, cql, [], SESSIONS_PAGE)) {
    yield rows.map((row) => ({ tenant: String(row['tenant']), sessionId: String(row['session_id']) }));
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
  const { rowKey }: TableDescription = HISTORY_TABLES[table];
  const parts = rowKey.map(({ name }) => [name, keyPart(row[columnOf(name)])] as const);
  const clocks = Object.keys(HISTORY_TABLES[table].cells).flatMap((cell): [string, bigint][] => {
    const clock: unknown = row[clockName(columnOf(cell))];
    return typeof clock === 'bigint' ? [[cell, clock]] : [];
  });
  return {
    table,
    ...(bucket === undefined ? {} : { bucket }),
    key: Object.fromEntries(parts),
    ...joinedKey(parts.map(([, part]) => part)),
    cells: cellsOf(table, row),
    clocks: Object.fromEntries(clocks),
  };
}
