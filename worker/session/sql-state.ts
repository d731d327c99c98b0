import type { SessionState } from '../../shared/core/state.ts';
import type { RunningStream } from '../../shared/core/running-stream.ts';
import {
  isErased,
  type ActorKind,
  type MemberRecord,
  type MemberRole,
  type MessageRecord,
  type MessageRole,
  type SessionRecord,
  type StreamRecord,
} from '../../shared/core/types.ts';
import type { EventLog } from './event-log.ts';
import type { Streams } from './streams.ts';

/** The platform's bound per object; new messages are refused at 80 % of it. */
const STORAGE_BYTES_MAX = 10 * 1024 ** 3;
const STORAGE_FULL_SHARE = 0.8;

interface MemberRow extends Record<string, SqlStorageValue> {
  user_id: string;
  role: string;
  active: number;
  name: string | null;
  kind: string;
  joined_at: number;
  read_seq: number;
}

export interface MessageRow extends Record<string, SqlStorageValue> {
  seq: number;
  id: string;
  ordinal: number;
  author: string;
  author_kind: string;
  author_name: string | null;
  role: string;
  name: string | null;
  parent_id: string | null;
  mentions: string | null;
  created_at: number;
  edited_at: number | null;
  deleted_at: number | null;
  updated_seqs: string | null;
  clock: string;
  text_bytes: number;
  rest_bytes: number;
}

/** The core's state over SQL rows. What every command asks is cached; `forget` drops the cache after a rollback. */
export class SqlState implements SessionState {
  readonly #sql: SqlStorage;
  readonly #events: EventLog;
  readonly #streams: Streams;
  #session: SessionRecord | undefined;
  #lastOrdinal = 0;
  #activeMembers = 0;
  #activeOwners = 0;

  constructor(sql: SqlStorage, events: EventLog, streams: Streams) {
    this.#sql = sql;
    this.#events = events;
    this.#streams = streams;
  }

  load(): void {
    const row = this.#sql.exec<{ value: string }>(`SELECT value FROM meta WHERE key = 'session'`).toArray()[0];
    this.#session = row === undefined ? undefined : (JSON.parse(row.value) as SessionRecord);
    const last = this.#sql.exec<{ ordinal: number }>(`SELECT ordinal FROM messages ORDER BY seq DESC LIMIT 1`).toArray()[0];
    this.#lastOrdinal = last?.ordinal ?? 0;
    const counts = this.#sql
      .exec<{ members: number; owners: number }>(
        `SELECT count(*) AS members, coalesce(sum(role = 'owner'), 0) AS owners FROM members WHERE active = 1`,
      )
      .one();
    this.#activeMembers = counts.members;
    this.#activeOwners = counts.owners;
  }

  /** Forgets what was loaded: the tables are gone again. */
  reset(): void {
    this.#session = undefined;
    this.#lastOrdinal = 0;
    this.#activeMembers = 0;
    this.#activeOwners = 0;
  }

  session(): SessionRecord | undefined {
    return this.#session;
  }
  head(): number {
    return this.#events.head;
  }
  clock(): string {
    return this.#events.clock;
  }
  activeMembers(): number {
    return this.#activeMembers;
  }
  activeOwners(): number {
    return this.#activeOwners;
  }
  lastOrdinal(): number {
    return this.#lastOrdinal;
  }
  stream(id: string): RunningStream | 'ended' | undefined {
    return this.#streams.find(id);
  }
  runningStreams(): number {
    return this.#streams.size;
  }
  storageFull(): boolean {
    return this.#sql.databaseSize >= STORAGE_BYTES_MAX * STORAGE_FULL_SHARE;
  }

  member(userId: string): MemberRecord | undefined {
    const row = this.#sql.exec<MemberRow>(`SELECT * FROM members WHERE user_id = ?`, userId).toArray()[0];
    return row === undefined ? undefined : memberOf(row);
  }

  /** Active members in the order of their ids, after `afterUserId`. */
  membersAfter(afterUserId: string, limit: number): MemberRecord[] {
    return this.#sql
      .exec<MemberRow>(`SELECT * FROM members WHERE user_id > ? AND active = 1 ORDER BY user_id LIMIT ?`, afterUserId, limit)
      .toArray()
      .map(memberOf);
  }

  message(id: string): MessageRecord | undefined {
    const row = this.#sql.exec<MessageRow>(`SELECT * FROM messages WHERE id = ?`, id).toArray()[0];
    return row === undefined ? undefined : messageOf(row);
  }

  /** Messages of a page by seq; `below` and `above` are exclusive. Newest first below, oldest first above. */
  messagesBelow(below: number, limit: number, parentId?: string): MessageRecord[] {
    return this.#messages(`seq < ?`, `ORDER BY seq DESC`, below, limit, parentId);
  }
  messagesAbove(above: number, limit: number, parentId?: string): MessageRecord[] {
    return this.#messages(`seq > ?`, `ORDER BY seq ASC`, above, limit, parentId);
  }

  replyCount(id: string): number {
    return this.#sql.exec<{ n: number }>(`SELECT count(*) AS n FROM messages WHERE parent_id = ?`, id).one().n;
  }

  putSession(record: SessionRecord): void {
    this.#sql.exec(`INSERT OR REPLACE INTO meta (key, value) VALUES ('session', ?)`, JSON.stringify(record));
    this.#session = record;
  }

  putMember(record: MemberRecord): void {
    const before = this.member(record.userId);
    this.#sql.exec(
      `INSERT OR REPLACE INTO members (user_id, role, active, name, kind, joined_at, read_seq) VALUES (?, ?, ?, ?, ?, ?, ?)`,
      record.userId,
      record.role,
      record.active ? 1 : 0,
      record.name ?? null,
      record.kind,
      record.joinedAt,
      record.readSeq,
    );
    this.#activeMembers += Number(record.active) - Number(before?.active ?? false);
    this.#activeOwners += Number(isActiveOwner(record)) - Number(isActiveOwner(before));
  }

  putMessage(record: MessageRecord): void {
    this.#sql.exec(
      `INSERT OR REPLACE INTO messages (seq, id, ordinal, author, author_kind, author_name, role, name, parent_id, mentions,
         created_at, edited_at, deleted_at, updated_seqs, clock, text_bytes, rest_bytes)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      record.seq,
      record.id,
      record.ordinal,
      record.author,
      record.authorKind,
      record.authorName ?? null,
      record.role,
      record.name ?? null,
      record.parentId ?? null,
      record.mentions.length === 0 ? null : JSON.stringify(record.mentions),
      record.createdAt,
      record.editedAt ?? null,
      record.deletedAt ?? null,
      record.updatedSeqs.length === 0 ? null : JSON.stringify(record.updatedSeqs),
      record.clock,
      record.textBytes,
      record.restBytes,
    );
    this.#lastOrdinal = Math.max(this.#lastOrdinal, record.ordinal);
  }

  recentText(message: MessageRecord): string | undefined {
    const newest = this.#events.one(message.updatedSeqs.at(-1) ?? message.seq);
    if (newest === undefined || isErased(newest)) return undefined;
    return newest.type === 'message.updated' || newest.type === 'message.created' ? newest.data.text : undefined;
  }

  putStream(record: StreamRecord): void {
    this.#streams.put(record);
  }
  appendChunk(id: string, text: string): void {
    this.#streams.append(id, text);
  }
  endStream(id: string): void {
    this.#streams.end(id);
  }

  eraseEvents(seqs: readonly number[]): void {
    this.#events.erase(seqs);
  }

  eraseAllBelow(seq: number): void {
    this.#events.eraseAllBelow(seq);
    // without WHERE, so that SQLite drops the pages instead of visiting a million rows
    this.#sql.exec(`DELETE FROM messages`);
    this.#streams.eraseAll();
    this.#sql.exec(`DELETE FROM departures`);
  }

  advance(): void {
    // head and clock are those of the last event, which EventLog.append has just written
  }

  #messages(where: string, order: string, seq: number, limit: number, parentId: string | undefined): MessageRecord[] {
    const rows =
      parentId === undefined
        ? this.#sql.exec<MessageRow>(`SELECT * FROM messages WHERE ${where} ${order} LIMIT ?`, seq, limit)
        : this.#sql.exec<MessageRow>(
            `SELECT * FROM messages WHERE parent_id = ? AND ${where} ${order} LIMIT ?`,
            parentId,
            seq,
            limit,
          );
    return rows.toArray().map(messageOf);
  }
}

function isActiveOwner(record: MemberRecord | undefined): boolean {
  return record?.active === true && record.role === 'owner';
}

function memberOf(row: MemberRow): MemberRecord {
  return {
    userId: row.user_id,
    role: row.role as MemberRole,
    active: row.active === 1,
    ...(row.name === null ? {} : { name: row.name }),
    kind: row.kind as ActorKind,
    joinedAt: row.joined_at,
    readSeq: row.read_seq,
  };
}

function messageOf(row: MessageRow): MessageRecord {
  return {
    id: row.id,
    seq: row.seq,
    ordinal: row.ordinal,
    author: row.author,
    authorKind: row.author_kind as ActorKind,
    ...(row.author_name === null ? {} : { authorName: row.author_name }),
    role: row.role as MessageRole,
    ...(row.name === null ? {} : { name: row.name }),
    ...(row.parent_id === null ? {} : { parentId: row.parent_id }),
    mentions: row.mentions === null ? [] : (JSON.parse(row.mentions) as string[]),
    createdAt: row.created_at,
    ...(row.edited_at === null ? {} : { editedAt: row.edited_at }),
    ...(row.deleted_at === null ? {} : { deletedAt: row.deleted_at }),
    updatedSeqs: row.updated_seqs === null ? [] : (JSON.parse(row.updated_seqs) as number[]),
    clock: row.clock,
    textBytes: row.text_bytes,
    restBytes: row.rest_bytes,
  };
}
