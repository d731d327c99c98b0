import { canonicalJson } from '../../shared/core/text.ts';
import type { Member, Message, SessionAnswer, WireEvent } from './answers.ts';
import type { SeenEvent } from './evidence.ts';

/**
 * Compares the rows of Cassandra with what sockets and HTTP said. What is expected is put together here from the contract (§1,
 * §3, §9) alone, and not by the code that writes the rows: that is what is being judged.
 */

/** contract §9: seqs per bucket; other tables have none */
const SEQS_PER_BUCKET: Readonly<Partial<Record<StoredTable, number>>> = { events: 1_000, messages: 10_000 };
const TABLES = ['events', 'messages', 'members', 'sessions'] as const;
const DIFFERENCES_KEPT_MAX = 10;

export type StoredTable = (typeof TABLES)[number];
export type StoredCount = 'missing' | 'extra' | 'different';
type Cells = Readonly<Record<string, unknown>>;

/** A row as it lies in the store; clocks are decimal strings. */
export interface StoredRow {
  table: StoredTable;
  bucket?: number | undefined;
  rowKey?: number | string | undefined;
  cells: Cells;
}

/** What was seen of a session from outside. */
export interface StoredEvidence {
  sessionId: string;
  /** of all sockets */
  seen: readonly SeenEvent[];
  /** over HTTP */
  events: readonly WireEvent[];
  messages: readonly Message[];
  members: readonly Member[];
  session: SessionAnswer | undefined;
}

export interface StoredVerdict {
  counts: Record<StoredCount, number>;
  /** rows that were expected, by table */
  expected: Record<StoredTable, number>;
  /** the first ones */
  differences: string[];
}

interface Expected {
  cells: Cells;
  /** what else said something of the same row, as far as it did */
  overHttp?: Cells;
}

/** Takes the rows of one session as they come, in any order, and then says what differs. */
export class StoredCheck {
  readonly #open = new Map<string, Expected>();
  readonly #verdict: StoredVerdict = {
    counts: { missing: 0, extra: 0, different: 0 },
    expected: { events: 0, messages: 0, members: 0, sessions: 0 },
    differences: [],
  };
  #taken = 0;

  constructor(evidence: StoredEvidence) {
    const events = eventsOf(evidence);
    for (const event of events) this.#expect('events', event.seq, { cells: { event } });
    for (const [seq, cells] of messageRows(events, evidence.messages)) this.#expect('messages', seq, cells);
    for (const [userId, cells] of memberRows(events, evidence.members)) this.#expect('members', userId, cells);
    this.#expect('sessions', undefined, sessionRow(events, evidence.session));
  }

  take(row: StoredRow): void {
    this.#taken += 1;
    const name = nameOf(row.table, row.rowKey);
    const expected = this.#open.get(name);
    if (expected === undefined) return this.#add('extra', `${name} is in Cassandra, and nobody was told of it`);
    this.#open.delete(name);
    const size = SEQS_PER_BUCKET[row.table];
    if (size !== undefined && row.bucket !== Math.floor(Number(row.rowKey) / size)) {
      this.#add('different', `${name} lies in bucket ${row.bucket}`);
    }
    const cells = comparable(row);
    const wrong = [...differing(expected.cells, cells, true), ...differing(expected.overHttp ?? {}, cells, false)];
    if (wrong.length > 0) this.#add('different', `${name}: ${wrong.slice(0, 3).join('; ')}`);
  }

  finish(): StoredVerdict {
    if (this.#taken === 0 && this.#open.size > 0) {
      this.#verdict.counts.missing += this.#open.size;
      this.#verdict.differences.push(
        `none of the ${this.#open.size} rows is in Cassandra: does the system keep its history in this one?`,
      );
      return this.#verdict;
    }
    for (const name of this.#open.keys()) this.#add('missing', `${name} is not in Cassandra`);
    return this.#verdict;
  }

  #expect(table: StoredTable, rowKey: number | string | undefined, expected: Expected): void {
    this.#verdict.expected[table] += 1;
    this.#open.set(nameOf(table, rowKey), expected);
  }

  #add(count: StoredCount, what: string): void {
    this.#verdict.counts[count] += 1;
    if (this.#verdict.differences.length < DIFFERENCES_KEPT_MAX) this.#verdict.differences.push(what);
  }
}

export function isStoredClean({ counts }: StoredVerdict): boolean {
  return counts.missing + counts.extra + counts.different === 0;
}

function nameOf(table: StoredTable, rowKey: number | string | undefined): string {
  return rowKey === undefined ? `the row of ${table}` : `${rowKey} of ${table}`;
}

/** The store's cells as the contract names things: JSON unpacked, so that its order of members does not matter. */
function comparable({ table, cells }: StoredRow): Cells {
  if (table === 'events') {
    const { envelope, data, publishedAt, persistedAt } = cells;
    const isTimed = typeof publishedAt === 'number' && typeof persistedAt === 'number' && publishedAt > 0 && persistedAt > 0;
    const event = { ...unpacked(envelope, {}), data: unpacked(data, undefined) };
    return isTimed ? { event } : { event, publishedAt, persistedAt };
  }
  const json = ['mentions', 'metadata'].filter((cell) => typeof cells[cell] === 'string');
  return { ...cells, ...Object.fromEntries(json.map((cell) => [cell, unpacked(cells[cell], undefined)])) };
}

function unpacked(text: unknown, absent: object | undefined): object | undefined {
  if (typeof text !== 'string') return absent;
  try {
    return JSON.parse(text) as object;
  } catch {
    return { notJson: text };
  }
}

/** `whole`: what is there and not expected is a difference too. */
function differing(expected: Cells, found: Cells, whole: boolean): string[] {
  const names = new Set([...Object.keys(expected), ...(whole ? Object.keys(found) : [])]);
  return [...names]
    .filter((name) => canonicalJson(expected[name]) !== canonicalJson(found[name]))
    .map((name) => `${name} is ${excerpt(found[name])} instead of ${excerpt(expected[name])}`);
}

/** Sockets first: what HTTP says of old events may itself have come out of the store. */
function eventsOf({ seen, events }: StoredEvidence): WireEvent[] {
  const bySeq = new Map<number, WireEvent>(events.map((event) => [event.seq, event]));
  // equal events are one object, so each is parsed once
  for (const { seq, json } of new Set(seen)) bySeq.set(seq, JSON.parse(json) as WireEvent);
  return [...bySeq.values()].toSorted((a, b) => a.seq - b.seq);
}

function messageRows(events: readonly WireEvent[], messages: readonly Message[]): Map<number, Expected> {
  const overHttp = new Map(messages.map((message) => [message.seq, message]));
  const created = events.filter(({ type }) => type === 'message.created');
  return new Map(
    created.map(({ seq, actor, clock, data }) => {
      const cells = { ...data, author: actor, version: clock };
      const message = overHttp.get(seq);
      if (message === undefined) return [seq, { cells }];
      const { id, author, role, text, status, createdAt, editedAt, deletedAt, mentions, metadata } = message;
      const said = { id, author: author.id, role, text, status, createdAt, editedAt, deletedAt, mentions, metadata };
      return [seq, { cells, overHttp: said }];
    }),
  );
}

function memberRows(events: readonly WireEvent[], members: readonly Member[]): Map<string, Expected> {
  const rows = new Map<string, Expected>();
  for (const { type, data, time, clock } of events) {
    const joined = type === 'session.created' ? data['members'] : type === 'member.added' ? [data] : [];
    for (const { userId, role } of joined as { userId: string; role: string }[]) {
      rows.set(userId, { cells: { role, active: true, joinedAt: time, version: clock } });
    }
  }
  for (const { user, role, joinedAt } of members) {
    rows.set(user.id, { cells: {}, ...rows.get(user.id), overHttp: { role, active: true, joinedAt } });
  }
  return rows;
}

function sessionRow(events: readonly WireEvent[], said: SessionAnswer | undefined): Expected {
  const created = events.find(({ type }) => type === 'session.created');
  const { title, description, visibility, metadata } = created?.data ?? {};
  const { time, clock } = created ?? {};
  const cells = { title, description, visibility, metadata, status: 'active' };
  return {
    cells: { ...cells, createdAt: time, updatedAt: time, version: clock },
    ...(said === undefined
      ? {}
      : {
          overHttp: {
            title: said.title,
            description: said['description'],
            visibility: said['visibility'],
            status: said['status'],
            metadata: said['metadata'],
            createdAt: said['createdAt'],
          },
        }),
  };
}

function excerpt(value: unknown): string {
  const text = value === undefined ? 'absent' : canonicalJson(value);
  return text.length <= 80 ? text : `${text.slice(0, 79)}…`;
}
