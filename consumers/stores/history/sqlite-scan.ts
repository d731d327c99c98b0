import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import type { SessionKey } from './port.ts';
import { joinedKey, keyPart, type HistoryScan, type ScannedRow } from './scan.ts';
import { asStoreFault } from '../sqlite-faults.ts';
import { clockColumn, keyNames, TABLE_NAMES } from './sqlite-schema.ts';
import { columnOf, HISTORY_TABLES, type CellType, type CellValue, type HistoryTable, type TableDescription } from './tables.ts';

/** rows of one page; between two pages nothing is held open, so that writers can tidy up behind a long scan */
const SCAN_PAGE_ROWS = 100;
const SESSIONS_PAGE = 1_000;
/** another process holds the write lock for the length of one batch */
const BUSY_MS_MAX = 5_000;

type Row = Readonly<Record<string, unknown>>;

/** Reads a file that openSqliteHistory made. Throws when there is none, or when it cannot be opened. */
export function openSqliteScan(path: string): HistoryScan {
  let database: DatabaseSync;
  try {
    database = new DatabaseSync(path, { readOnly: true, timeout: BUSY_MS_MAX });
  } catch (error) {
    throw asStoreFault(error);
  }
  return {
    rows: (session, throughSeq, tables = TABLE_NAMES) => scan(database, session, throughSeq, tables),
    sessions: () => sessionsOf(database),
    async close() {
      database.close();
      return await Promise.resolve();
    },
  };
}

async function* scan(
  database: DatabaseSync,
  session: SessionKey,
  _throughSeq: number,
  tables: readonly HistoryTable[],
): AsyncGenerator<ScannedRow[]> {
  for (const table of tables) {
    for (let after: SQLInputValue[] | undefined, more = true; more;) {
      const rows = pageOf(database, table, session, after);
      more = rows.length === SCAN_PAGE_ROWS;
      after = rowKeyNames(table).map((name) => rows.at(-1)?.[columnOf(name)] as SQLInputValue);
      // a page is read without waiting: whoever reads gets between two of them
      if (rows.length > 0) yield await Promise.resolve(rows.map((row) => scanned(table, row)));
      if (rowKeyNames(table).length === 0) more = false;
    }
  }
}

function rowKeyNames(table: HistoryTable): string[] {
  return keyNames(table).slice(HISTORY_TABLES[table].sessionKey.length);
}

function pageOf(
  database: DatabaseSync,
  table: HistoryTable,
  { tenant, sessionId }: SessionKey,
  after: readonly SQLInputValue[] | undefined,
): Row[] {
  const columns = rowKeyNames(table).map(columnOf);
  const beyond = after === undefined ? '' : ` AND (${columns.join(', ')}) > (${columns.map(() => '?').join(', ')})`;
  const order = columns.length === 0 ? '' : ` ORDER BY ${columns.join(', ')}`;
  const sql = `SELECT * FROM ${table} WHERE tenant = ? AND session_id = ?${beyond}${order} LIMIT ${SCAN_PAGE_ROWS}`;
  return read(database, sql, [tenant, sessionId, ...(after ?? [])]);
}

/** By jumping from one to the next: a session's events are not looked at. */
async function* sessionsOf(database: DatabaseSync): AsyncGenerator<SessionKey[]> {
  const sql = `SELECT tenant, session_id FROM events WHERE (tenant, session_id) > (?, ?) ORDER BY tenant, session_id LIMIT 1`;
  let last: SessionKey = { tenant: '', sessionId: '' };
  let page: SessionKey[] = [];
  for (;;) {
    const [row] = read(database, sql, [last.tenant, last.sessionId]);
    if (row === undefined) break;
    last = { tenant: String(row['tenant']), sessionId: String(row['session_id']) };
    page.push(last);
    if (page.length < SESSIONS_PAGE) continue;
    yield await Promise.resolve(page);
    page = [];
  }
  if (page.length > 0) yield page;
}

function read(database: DatabaseSync, sql: string, parameters: readonly SQLInputValue[]): Row[] {
  try {
    const statement = database.prepare(sql);
    // clocks are microseconds, near the end of what a number holds exactly
    statement.setReadBigInts(true);
    return statement.all(...parameters);
  } catch (error) {
    throw asStoreFault(error);
  }
}

function scanned(table: HistoryTable, row: Row): ScannedRow {
  const { rowKey, cells: types }: TableDescription = HISTORY_TABLES[table];
  const parts = rowKey.map(({ name }) => [name, keyPart(row[columnOf(name)])] as const);
  const cells: Record<string, CellValue> = {};
  const clocks: Record<string, bigint> = {};
  for (const [cell, type] of Object.entries(types)) {
    const value = valueOf(type, row[columnOf(cell)]);
    if (value !== undefined) cells[cell] = value;
    const clock = row[clockColumn(cell)];
    if (typeof clock === 'bigint') clocks[cell] = clock;
  }
  return { table, key: Object.fromEntries(parts), ...joinedKey(parts.map(([, part]) => part)), cells, clocks };
}

function valueOf(type: CellType, value: unknown): CellValue | undefined {
  if (typeof value === 'string') return value;
  if (typeof value !== 'bigint') return undefined;
  if (type === 'clock') return value;
  return type === 'boolean' ? value === 1n : Number(value);
}
