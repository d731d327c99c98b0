import type { InboxChange } from '../../shared/core/inbox.ts';
import { INBOX_COUNT_MAX, PUSHED_MEMBERS_MAX, SEQ_MAX } from '../../shared/core/limits.ts';
import { isErased, type Event, type EventType } from '../../shared/core/types.ts';
import type { UserChange } from './api.ts';
import type { EventLog } from './event-log.ts';
import { InboxOutbox } from './inbox-outbox.ts';
import { Mentions } from './mentions.ts';
import type { RoomPorts } from './ports.ts';
import type { SqlState } from './sql-state.ts';

/** what adds a session to the list of whoever does it, or takes it from there */
const OWN_LIFE: readonly EventType[] = ['session.created', 'session.deleted'];
/** the same when it is done to oneself */
const OWN_MEMBERSHIP: readonly EventType[] = ['member.added', 'member.updated', 'member.removed'];

/** What the Session knows for the Inboxes of its members: whom it mentioned, how far they read, and who is to be told. */
export class InboxFeed {
  readonly outbox: InboxOutbox;
  readonly #sessionId: string;
  readonly #ports: RoomPorts;
  readonly #events: EventLog;
  readonly #state: SqlState;
  readonly #mentions: Mentions;

  constructor(sessionId: string, ports: RoomPorts, events: EventLog, state: SqlState) {
    this.#sessionId = sessionId;
    this.#ports = ports;
    this.#events = events;
    this.#state = state;
    this.#mentions = new Mentions(ports.sql);
    this.outbox = new InboxOutbox(ports, (userId) => this.changeOf(userId));
  }

  /** After `apply`, in the transaction of the event. Own changes go to the Inbox from here, others' by `notifications`. */
  note(event: Event): void {
    if (isErased(event)) return;
    const { type, data } = event;
    if (type === 'message.created') return this.#noteMessage(event.actor, data.ordinal, data.mentions);
    if (type === 'message.deleted') {
      const ordinal = this.#state.message(data.id)?.ordinal ?? 0;
      for (const userId of data.mentions) this.#mentions.remove(userId, ordinal);
    }
    if (type === 'member.removed') this.#mentions.settle(data.userId, SEQ_MAX);
    if (type === 'session.deleted') this.#mentions.clear();
    const isOwn = event.subject === event.actor;
    if (OWN_LIFE.includes(type) || (OWN_MEMBERSHIP.includes(type) && isOwn)) this.outbox.mark(event.actor);
  }

  /** After the read pointer moved, in the same transaction. */
  noteRead(userId: string, seq: number): void {
    this.#mentions.settle(userId, this.#ordinalAt(seq));
    this.outbox.mark(userId);
  }

  changeOf(userId: string): InboxChange {
    return this.#changeOf(userId, this.#newestByAuthor());
  }

  /** See SessionApi.inboxChanges. */
  changesFor(named: readonly string[]): UserChange[] {
    const users = new Set(named);
    if (this.#state.activeMembers() <= PUSHED_MEMBERS_MAX) {
      for (const { userId } of this.#state.membersAfter('', PUSHED_MEMBERS_MAX)) users.add(userId);
    }
    const newest = this.#newestByAuthor();
    return [...users]
      .filter((userId) => this.#state.member(userId) !== undefined)
      .map((userId) => ({ userId, change: this.#changeOf(userId, newest) }));
  }

  #changeOf(userId: string, newestByAuthor: ReadonlyMap<string, number>): InboxChange {
    const member = this.#state.member(userId);
    const about = { sessionId: this.#sessionId, head: this.#events.head, activity: Number(this.#events.clock) };
    if (member?.active !== true || this.#state.session()?.status === 'deleted') {
      return { ...about, headOrdinal: 0, role: null, readOrdinal: 0, mentions: [] };
    }
    const readOrdinal = Math.max(this.#ordinalAt(member.readSeq), newestByAuthor.get(userId) ?? 0);
    return {
      ...about,
      headOrdinal: this.#state.lastOrdinal(),
      role: member.role,
      readOrdinal,
      mentions: this.#mentions.above(userId, readOrdinal),
    };
  }

  #noteMessage(author: string, ordinal: number, mentions: readonly string[]): void {
    this.#mentions.settle(author, ordinal);
    for (const userId of mentions) {
      if (userId !== author && this.#state.member(userId)?.active === true) this.#mentions.add(userId, ordinal);
    }
  }

  /** Ordinal of the last message up to this seq. */
  #ordinalAt(seq: number): number {
    if (seq === 0) return 0;
    const rows = this.#ports.sql.exec<{ ordinal: number }>(
      `SELECT ordinal FROM messages WHERE seq <= ? ORDER BY seq DESC LIMIT 1`,
      seq,
    );
    return rows.toArray()[0]?.ordinal ?? 0;
  }

  /** Older messages of one's own change no count: it is at its maximum then. */
  #newestByAuthor(): Map<string, number> {
    const rows = this.#ports.sql.exec<{ author: string; ordinal: number }>(
      `SELECT author, max(ordinal) AS ordinal FROM (SELECT author, ordinal FROM messages ORDER BY seq DESC LIMIT ?)
       GROUP BY author`,
      INBOX_COUNT_MAX,
    );
    return new Map(rows.toArray().map(({ author, ordinal }) => [author, ordinal]));
  }
}
