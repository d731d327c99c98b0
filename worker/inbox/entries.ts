import type { InboxChange } from '../../shared/core/inbox.ts';
import type { MemberRole } from '../../shared/core/types.ts';
import type { Place } from './place.ts';

interface EntryRow extends Record<string, SqlStorageValue> {
  session_id: string;
  rev: number;
  head: number;
  head_ordinal: number;
  activity: number;
  role: string | null;
  read_ordinal: number;
  mentions: string;
}

/** What an inbox knows of a session, and the revision at which it last learnt something. */
export interface Entry extends InboxChange {
  rev: number;
}

/** The rows of one inbox. Empty, and never written to, while the tables are not made. */
export class Entries {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** The newest revision; 0 before the first. */
  rev(): number {
    return this.#sql.exec<{ rev: number | null }>(`SELECT max(rev) AS rev FROM entries`).one().rev ?? 0;
  }

  find(sessionId: string): Entry | undefined {
    return this.#sql.exec<EntryRow>(`SELECT * FROM entries WHERE session_id = ?`, sessionId).toArray().map(entryOf)[0];
  }

  put(entry: Entry): void {
    this.#sql.exec(
      `INSERT OR REPLACE INTO entries (session_id, rev, head, head_ordinal, activity, role, read_ordinal, mentions)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      entry.sessionId,
      entry.rev,
      entry.head,
      entry.headOrdinal,
      entry.activity,
      entry.role,
      entry.readOrdinal,
      JSON.stringify(entry.mentions),
    );
  }

  /** Sessions that the user is a member of, newest activity first, behind `place`. */
  behind(place: Place | undefined, limit: number): Entry[] {
    const rows =
      place === undefined
        ? this.#sql.exec<EntryRow>(
            `SELECT * FROM entries WHERE role IS NOT NULL ORDER BY activity DESC, session_id DESC LIMIT ?`,
            limit,
          )
        : this.#sql.exec<EntryRow>(
            `SELECT * FROM entries WHERE role IS NOT NULL AND (activity, session_id) < (?, ?)
             ORDER BY activity DESC, session_id DESC LIMIT ?`,
            place.activity,
            place.sessionId,
            limit,
          );
    return rows.toArray().map(entryOf);
  }

  /** Sessions that the user is a member of, newest activity first: from the index alone. */
  newestIds(limit: number): string[] {
    return this.#sql
      .exec<{ session_id: string }>(
        `SELECT session_id FROM entries WHERE role IS NOT NULL ORDER BY activity DESC, session_id DESC LIMIT ?`,
        limit,
      )
      .toArray()
      .map((row) => row.session_id);
  }

  /** What changed after `rev`, in that order. Who begins with nothing need not hear of what was removed. */
  changedAfter(rev: number, limit: number): Entry[] {
    const rows =
      rev === 0
        ? this.#sql.exec<EntryRow>(`SELECT * FROM entries WHERE rev > 0 AND role IS NOT NULL ORDER BY rev LIMIT ?`, limit)
        : this.#sql.exec<EntryRow>(`SELECT * FROM entries WHERE rev > ? ORDER BY rev LIMIT ?`, rev, limit);
    return rows.toArray().map(entryOf);
  }
}

function entryOf(row: EntryRow): Entry {
  return {
    sessionId: row.session_id,
    rev: row.rev,
    head: row.head,
    headOrdinal: row.head_ordinal,
    activity: row.activity,
    role: row.role as MemberRole | null,
    readOrdinal: row.read_ordinal,
    mentions: JSON.parse(row.mentions) as number[],
  };
}
