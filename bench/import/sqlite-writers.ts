import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { join } from 'node:path';
import { rowsOf } from '../../consumers/projections/history.ts';
import { rowOf } from '../../consumers/projections/analytics.ts';
import { searchWriteOf } from '../../consumers/projections/search.ts';
import { eventParameters, openSqliteAnalytics, PUT_EVENT_SQL } from '../../consumers/stores/analytics/sqlite.ts';
import { TouchedMemory } from '../../consumers/stores/history/archive.ts';
import { openSqliteHistory } from '../../consumers/stores/history/sqlite.ts';
import { statementOf } from '../../consumers/stores/history/sqlite-statement.ts';
import { openSqliteSearch } from '../../consumers/stores/search/sqlite.ts';
import { placeTerm, termsOf } from '../../consumers/stores/search/sqlite-write.ts';
import type { Event } from '../../shared/core/types.ts';
import { partsOf, type Writer } from './writer.ts';

/** node:sqlite, a transaction per so many writes, each as durable as the read model's. */

export interface SqliteWrite {
  sql: string;
  parameters: SQLInputValue[];
}

interface Source {
  file: string;
  pragmas: string;
  /** of the events that the read model takes */
  countSql: string;
  /** makes the file as the read model does */
  make(path: string): Promise<void>;
  writesOf(event: Event): SqliteWrite[];
}

export async function openSqliteWriter(role: string, directory: string, nowMs: number): Promise<Writer<SqliteWrite>> {
  const source = sourceOf(role, nowMs);
  const path = join(directory, source.file);
  await source.make(path);
  const database = new DatabaseSync(path);
  database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; ${source.pragmas}`);
  const statements = new Map<string, StatementSync>();
  const prepared = (sql: string): StatementSync => {
    const statement = statements.get(sql) ?? database.prepare(sql);
    statements.set(sql, statement);
    return statement;
  };
  return {
    writesOf: source.writesOf,
    async write(writes, inFlight) {
      for (const part of partsOf(writes, inFlight)) {
        database.exec('BEGIN IMMEDIATE');
        for (const { sql, parameters } of part) prepared(sql).run(...parameters);
        database.exec('COMMIT');
        // others of the process get their turn, as between batches
        await Promise.resolve();
      }
    },
    count: async () => await Promise.resolve(Number(database.prepare(source.countSql).get()?.['count'])),
    close: async () => {
      database.close();
      return await Promise.resolve();
    },
  };
}

function sourceOf(role: string, nowMs: number): Source {
  if (role === 'history') return historySource(nowMs);
  return role === 'search' ? searchSource() : analyticsSource();
}

function historySource(nowMs: number): Source {
  const touched = new TouchedMemory();
  const times = { publishedAtMs: nowMs, persistedAtMs: nowMs };
  return {
    file: 'history.db',
    pragmas: 'PRAGMA secure_delete = ON;',
    countSql: 'SELECT COUNT(*) AS count FROM events WHERE envelope IS NOT NULL',
    make: async (path) => await openSqliteHistory({ path, writes: true }).close(),
    writesOf(event) {
      const rows = rowsOf(event, times).filter((write) => write.kind === 'row');
      const places = touched.unknownOf(rows);
      touched.add(places);
      return [
        ...places.map(({ hour, tenant, sessionId, bucket }) => ({
          sql: 'INSERT OR IGNORE INTO touched (hour, tenant, session_id, bucket) VALUES (?, ?, ?, ?)',
          parameters: [hour, tenant, sessionId, bucket],
        })),
        ...rows.flatMap((row) => statementOf(row) ?? []),
      ];
    },
  };
}

/** Rows have their number from here: which document is which is known beforehand, where the read model looks it up. */
function searchSource(): Source {
  const ids = new Map<string, number>();
  const columns = 'id, tenant, session_id, message_id, clock, seq, author, role, parent_id, mentions, sent_at';
  const putDocument = `INSERT OR REPLACE INTO documents_1 (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
  return {
    file: 'search.db',
    pragmas: 'PRAGMA secure_delete = ON;',
    countSql: 'SELECT COUNT(*) AS count FROM documents_1',
    make: async (path) => await openSqliteSearch({ path, writes: true, mayMake: true }).close(),
    writesOf(event) {
      const write = searchWriteOf(event);
      if (write?.kind !== 'document') return [];
      const { tenant, sessionId, messageId, clock, content } = write;
      const known = ids.get(messageId);
      const id = known ?? ids.size + 1;
      ids.set(messageId, id);
      const { seq = null, author = null, role = null, parentId = null, sentAtMs = null } = content ?? {};
      const mentions = content === undefined ? null : JSON.stringify(content.mentions);
      const parameters = [id, tenant, sessionId, messageId, clock, seq, author, role, parentId, mentions, sentAtMs];
      return [
        ...(known === undefined ? [] : [{ sql: 'DELETE FROM words_1 WHERE rowid = ?', parameters: [id] }]),
        { sql: putDocument, parameters },
        ...(content === undefined
          ? []
          : [
              {
                sql: 'INSERT INTO words_1 (rowid, place, terms) VALUES (?, ?, ?)',
                parameters: [id, placeTerm(write), termsOf(content.text)],
              },
            ]),
      ];
    },
  };
}

function analyticsSource(): Source {
  return {
    file: 'analytics.db',
    pragmas: '',
    countSql: 'SELECT COUNT(*) AS count FROM events',
    make: async (path) => await openSqliteAnalytics({ path, writes: true, mayMake: true }).close(),
    writesOf: (event) => [{ sql: PUT_EVENT_SQL, parameters: eventParameters(rowOf(event)) }],
  };
}
