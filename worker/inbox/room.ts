import type { InboxAnswer, InboxItem } from '../../shared/contract/answers.ts';
import { inboxClientFrame, SUBPROTOCOL, TICKET_PROTOCOL_PREFIX } from '../../shared/contract/frames.ts';
import { rfc3339 } from '../../shared/core/clock.ts';
import { refusal } from '../../shared/core/codes.ts';
import { mentionsOf, mergeInbox, unreadOf, type InboxChange } from '../../shared/core/inbox.ts';
import { INBOX_FRAME_BYTES_MAX, INBOX_ITEMS_MAX, SESSIONS_PAGE_MAX, type Limits } from '../../shared/core/limits.ts';
import type { Actor } from '../../shared/core/types.ts';
import type { Result } from '../session/api.ts';
import type { SocketPort } from '../session/ports.ts';
import { Rates } from '../session/rates.ts';
import { migrate, schemaVersion } from '../session/schema.ts';
import { Tickets, type Caller } from '../session/tickets.ts';
import type { InboxIdentity, InboxPage } from './api.ts';
import { Entries } from './entries.ts';
import { InboxSockets, type InboxSocket } from './inbox-sockets.ts';
import { cursorAt, placeOf } from './place.ts';
import type { InboxPorts } from './ports.ts';
import { INBOX_MIGRATIONS } from './schema.ts';

/** What an upgrade asks for; the Worker has checked its form. */
export interface InboxUpgrade {
  protocols: readonly string[];
  /** verified by the Worker from an Authorization header */
  caller?: Caller;
  after: number;
}

/** One user's inbox: which sessions there are, and what is new in them. The shell is inbox.ts. */
export class InboxRoom {
  readonly identity: InboxIdentity;
  readonly sockets: InboxSockets;
  readonly #ports: InboxPorts;
  readonly #limits: Limits;
  readonly #entries: Entries;
  readonly #tickets: Tickets;
  readonly #rates: Rates;
  #exists: boolean;
  #alarmAtMs: number | undefined;

  constructor(identity: InboxIdentity, ports: InboxPorts, limits: Limits) {
    this.identity = identity;
    this.#ports = ports;
    this.#limits = limits;
    this.#entries = new Entries(ports.sql);
    this.#tickets = new Tickets(ports.sql, ports.digest);
    this.#rates = new Rates(limits, ports.nowMs());
    this.sockets = new InboxSockets(ports, limits, (rev) => this.since(rev));
    const version = schemaVersion(ports.sql);
    this.#exists = version > 0;
    if (!this.#exists) return;
    ports.transaction(() => migrate(ports.sql, version, INBOX_MIGRATIONS));
    this.sockets.restore();
  }

  /** Merges what came; each row that changes gets a revision of its own. Synchronous, one transaction. */
  take(changes: readonly InboxChange[]): void {
    const changed = this.#write(() => {
      const before = this.#entries.rev();
      let rev = before;
      for (const change of changes) {
        const known = this.#entries.find(change.sessionId);
        const merged = mergeInbox(known, change);
        if (merged !== known) this.#entries.put({ ...merged, rev: (rev += 1) });
      }
      return rev > before;
    });
    if (changed) this.sockets.changed();
  }

  page(query: { cursor?: string; limit: number }): Result<InboxPage> {
    const place = query.cursor === undefined ? undefined : placeOf(this.identity.userId, query.cursor);
    if (query.cursor !== undefined && place === undefined) {
      return { ok: false, refusal: refusal('invalid_request', 'This cursor was not made here.') };
    }
    if (!this.#exists) return { ok: true, value: { items: [] } };
    const limit = Math.min(query.limit, SESSIONS_PAGE_MAX);
    const rows = this.#entries.behind(place, limit + 1);
    const items = rows.slice(0, limit);
    const last = items.at(-1);
    const more = rows.length > limit && last !== undefined;
    return { ok: true, value: { items, ...(more ? { nextCursor: cursorAt(this.identity.userId, last) } : {}) } };
  }

  sessionIds(limit: number): string[] {
    return this.#exists ? this.#entries.newestIds(limit) : [];
  }

  since(after: number): InboxAnswer {
    if (!this.#exists) return { type: 'inbox', rev: 0, items: [] };
    const newest = this.#entries.rev();
    const rows = this.#entries.changedAfter(after > newest ? 0 : after, INBOX_ITEMS_MAX + 1);
    const items = rows.slice(0, INBOX_ITEMS_MAX);
    const last = items.at(-1);
    const more = rows.length > INBOX_ITEMS_MAX && last !== undefined;
    return { type: 'inbox', rev: more ? last.rev : newest, items: items.map(itemOf), ...(more ? { more: true } : {}) };
  }

  entry(sessionId: string): InboxChange | undefined {
    return this.#exists ? this.#entries.find(sessionId) : undefined;
  }

  issueTicket(ticket: string, actor: Actor, tokenExpiresAtMs: number): Result<{ ticket: string; expiresAt: string }> {
    const limited = this.#rates.take(actor.id, this.#ports.nowMs());
    if (limited !== undefined) return { ok: false, refusal: limited };
    const nowMs = this.#ports.nowMs();
    const expiresAtMs = this.#write(() => this.#tickets.issue(ticket, { actor, tokenExpiresAtMs }, nowMs));
    return { ok: true, value: { ticket, expiresAt: rfc3339(expiresAtMs) } };
  }

  /** Decides on an upgrade. A ticket is used up only here, by the inbox that issued it. */
  admit({ protocols, caller: verified }: InboxUpgrade): Result<Caller> {
    if (protocols.length > 0 && !protocols.includes(SUBPROTOCOL)) {
      return { ok: false, refusal: refusal('invalid_request', `Offer the subprotocol ${SUBPROTOCOL}.`) };
    }
    const nowMs = this.#ports.nowMs();
    const ticket = protocols.find((each) => each.startsWith(TICKET_PROTOCOL_PREFIX))?.slice(TICKET_PROTOCOL_PREFIX.length);
    const caller = verified ?? (ticket === undefined ? undefined : this.#redeem(ticket));
    if (caller === undefined || caller.tokenExpiresAtMs <= nowMs || caller.actor.id !== this.identity.userId) {
      return { ok: false, refusal: refusal('unauthenticated', 'The ticket is unknown here, used or expired.') };
    }
    // dead ones must not keep out a device
    this.sockets.sweep();
    if (this.sockets.size >= this.#limits.socketsPerUser) {
      return { ok: false, refusal: refusal('rate_limited', 'Too many sockets of this inbox.') };
    }
    return { ok: true, value: caller };
  }

  welcome(port: SocketPort, caller: Caller, after: number): void {
    // identity and tables must be there when a frame wakes the object
    this.#write(() => undefined);
    this.sockets.attach(port, caller, after);
    this.#arm();
  }

  takeFrame(port: SocketPort, message: string | ArrayBuffer): void {
    const socket = this.sockets.find(port);
    if (socket === undefined) return;
    const nowMs = this.#ports.nowMs();
    socket.seenAtMs = nowMs;
    this.sockets.save(socket);
    if (socket.frames.take(nowMs) > 0) return this.sockets.drop(socket, 'rate', 'too many frames');
    if (socket.caller.tokenExpiresAtMs <= nowMs) return this.sockets.drop(socket, 'tokenExpired', 'token expired');
    // the auto-response answers `ping` without waking us; it comes here only in the moment between accept and its setting
    if (message === 'ping') return port.send('pong');
    const ticket = renewalIn(message);
    if (ticket === undefined) return this.sockets.drop(socket, 'badFrame', 'bad frame');
    this.#renew(socket, ticket);
  }

  /** Catches everything and always re-arms: the platform drops an alarm after six exceptions. */
  alarm(): void {
    this.#alarmAtMs = undefined;
    try {
      this.sockets.sweep();
    } catch (error) {
      this.#ports.log('error', 'alarm failed', { error: String(error) });
    } finally {
      this.#arm();
    }
  }

  #renew(socket: InboxSocket, ticket: string): void {
    const caller = this.#redeem(ticket);
    if (caller === undefined) return this.sockets.drop(socket, 'tokenExpired', 'the ticket does not renew this socket');
    socket.caller = caller;
    this.sockets.save(socket);
    this.#arm();
  }

  #redeem(ticket: string): Caller | undefined {
    return this.#exists ? this.#tickets.redeem(ticket, this.#ports.nowMs()) : undefined;
  }

  /** One transaction, which makes the tables first where there are none. */
  #write<T>(section: () => T): T {
    const { sql, transaction } = this.#ports;
    const done = transaction(() => {
      if (!this.#exists) {
        migrate(sql, 0, INBOX_MIGRATIONS);
        const { tenant, userId } = this.identity;
        sql.exec(`INSERT INTO meta (key, value) VALUES ('tenant', ?), ('user_id', ?)`, tenant, userId);
      }
      return section();
    });
    this.#exists = true;
    return done;
  }

  #arm(): void {
    const atMs = this.sockets.sweepAtMs();
    if (atMs === undefined || (this.#alarmAtMs !== undefined && this.#alarmAtMs <= atMs)) return;
    this.#alarmAtMs = atMs;
    this.#ports.setAlarm(atMs);
  }
}

export function itemOf(entry: InboxChange): InboxItem {
  const { sessionId, head, role } = entry;
  return {
    sessionId,
    unread: unreadOf(entry),
    mentions: mentionsOf(entry),
    head,
    ...(role === null ? { removed: true } : { role }),
  };
}

/** The ticket of the only frame that a client may send. */
function renewalIn(message: string | ArrayBuffer): string | undefined {
  if (typeof message !== 'string' || message.length > INBOX_FRAME_BYTES_MAX) return undefined;
  try {
    const parsed = inboxClientFrame.safeParse(JSON.parse(message));
    return parsed.success ? parsed.data.ticket : undefined;
  } catch {
    return undefined;
  }
}
