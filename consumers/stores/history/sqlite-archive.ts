import type { SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite';
import {
  ARCHIVE_PAGE_EVENTS,
  TOUCHED_HOURS_KEPT,
  pageOf,
  type ArchivePage,
  type ArchivePlace,
  type Touched,
  type TouchedHour,
} from './archive.ts';
import { cellsOf } from './sqlite-rows.ts';
import { HISTORY_TABLES } from './tables.ts';

/** Reads of the archive in SQLite. Each page is a query of its own: a cursor left open would keep the log from being folded in. */

export type Prepare = (sql: string) => StatementSync;

const TOUCHED_PAGE = 1_000;
const COLUMNS = 'tenant, session_id, seq, envelope, data, published_at, persisted_at';
const { seqsPerBucket: SEQS_PER_BUCKET } = HISTORY_TABLES.events;

/** Inside the transaction that writes the events. */
export function writeTouched(prepare: Prepare, entries: readonly TouchedHour[]): void {
  const insert = prepare('INSERT OR IGNORE INTO touched (hour, tenant, session_id, bucket) VALUES (?, ?, ?, ?)');
  let latest = -Infinity;
  for (const { hour, tenant, sessionId, bucket } of entries) {
    insert.run(hour, tenant, sessionId, bucket);
    latest = Math.max(latest, hour);
  }
  if (entries.length > 0) prepare('DELETE FROM touched WHERE hour < ?').run(latest - TOUCHED_HOURS_KEPT);
}

export async function* touchedIn(prepare: Prepare, hour: number): AsyncGenerator<Touched[]> {
  const next = prepare(
    `SELECT tenant, session_id, bucket FROM touched WHERE hour = ? AND (tenant, session_id, bucket) > (?, ?, ?)
     ORDER BY tenant, session_id, bucket LIMIT ${TOUCHED_PAGE}`,
  );
  for (let after: Touched | undefined = { tenant: '', sessionId: '', bucket: -1 }; after !== undefined;) {
    const page: Touched[] = next.all(hour, after.tenant, after.sessionId, after.bucket).map((row): Touched => ({
      tenant: String(row['tenant']),
      sessionId: String(row['session_id']),
      bucket: Number(row['bucket']),
    }));
    if (page.length > 0) yield await Promise.resolve(page);
    after = page.length < TOUCHED_PAGE ? undefined : page.at(-1);
  }
}

export async function* eventsIn(prepare: Prepare, { tenant, sessionId, bucket }: Touched): AsyncGenerator<ArchivePage> {
  const next = prepare(
    `SELECT ${COLUMNS} FROM events WHERE tenant = ? AND session_id = ? AND seq > ? AND seq < ? AND envelope IS NOT NULL
     ORDER BY seq LIMIT ${ARCHIVE_PAGE_EVENTS}`,
  );
  const end = (bucket + 1) * SEQS_PER_BUCKET;
  yield* pages(next, (last) => [tenant, sessionId, last?.seq ?? bucket * SEQS_PER_BUCKET - 1, end]);
}

export async function* allEvents(prepare: Prepare): AsyncGenerator<ArchivePage & { done: number }> {
  // sessions, of which there are few: to count the events takes as long as to read them
  const sessions = Math.max(1, Number(prepare('SELECT COUNT(*) AS sessions FROM sessions').get()?.['sessions'] ?? 0));
  const next = prepare(
    `SELECT ${COLUMNS} FROM events WHERE (tenant, session_id, seq) > (?, ?, ?) AND envelope IS NOT NULL
     ORDER BY tenant, session_id, seq LIMIT ${ARCHIVE_PAGE_EVENTS}`,
  );
  let begun = 0;
  let current = '';
  for await (const page of pages(next, (last) => [last?.tenant ?? '', last?.sessionId ?? '', last?.seq ?? -1])) {
    for (const { event } of page.events) {
      const session = `${event.tenant} ${event.sessionid}`;
      if (session !== current) begun += 1;
      current = session;
    }
    yield { ...page, done: Math.min(1, Math.max(0, begun - 1) / sessions) };
  }
}

async function* pages(
  next: StatementSync,
  parametersAfter: (last: ArchivePlace | undefined) => SQLInputValue[],
): AsyncGenerator<ArchivePage> {
  for (let last: ArchivePlace | undefined, more = true; more;) {
    const rows = next.all(...parametersAfter(last));
    const page = pageOf(rows.map((row) => ({ place: placeOf(row), cells: cellsOf('events', row) })));
    if (page !== undefined) yield await Promise.resolve(page);
    more = rows.length === ARCHIVE_PAGE_EVENTS;
    const end = rows.at(-1);
    last = end === undefined ? undefined : placeOf(end);
  }
}

function placeOf(row: Record<string, SQLOutputValue>): ArchivePlace {
  return { tenant: String(row['tenant']), sessionId: String(row['session_id']), seq: Number(row['seq']) };
}

export function readNote(prepare: Prepare, name: string): string | undefined {
  const note = prepare('SELECT note FROM positions WHERE name = ?').get(name)?.['note'];
  return typeof note === 'string' ? note : undefined;
}

export function writeNote(prepare: Prepare, name: string, note: string): void {
  prepare('INSERT OR REPLACE INTO positions (name, note) VALUES (?, ?)').run(name, note);
}
