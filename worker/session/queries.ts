import type { CommandStatus, MemberAnswer, PresenceAnswer, SessionAnswer } from '../../shared/contract/answers.ts';
import { rfc3339 } from '../../shared/core/clock.ts';
import { refusal } from '../../shared/core/codes.ts';
import {
  EVENTS_PAGE_MAX,
  MEMBERS_PAGE_MAX,
  MESSAGES_PAGE_MAX,
  PAGE_BYTES_MAX,
  PRESENCE_PAGE_MAX,
  SEARCH_PAGE_MAX,
} from '../../shared/core/limits.ts';
import { isOwner, readAccess } from '../../shared/core/rights.ts';
import { utf8Bytes } from '../../shared/core/text.ts';
import { isErased, type Actor, type Event, type MessageRecord } from '../../shared/core/types.ts';
import type { EventsPage, EventsQuery, FoundMessages, MessagesPage, MessagesQuery, Overview, PageItem, Result } from './api.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import type { Room } from './room.ts';

/** The Session's half of every query: rights, which rows make the page, and the bodies that the tail still holds. */

/** bytes of a message's JSON besides its body: ids, author, times */
const MESSAGE_FRAME_BYTES = 600;
const BAD_CURSOR = refusal('invalid_request', 'This cursor was not made here.');

export function describe(room: Room, actor: Actor): Result<SessionAnswer> {
  const found = readAccess(room.view, actor.id);
  if (!found.ok) return found;
  const { session, member } = found.access;
  return {
    ok: true,
    value: {
      id: session.id,
      title: session.title,
      description: session.description,
      visibility: session.visibility,
      status: session.status === 'archived' ? 'archived' : 'active',
      ...(member === undefined ? {} : { role: member.role }),
      memberCount: room.state.activeMembers(),
      head: room.events.head,
      epoch: room.epoch,
      createdAt: rfc3339(session.createdAt),
      updatedAt: rfc3339(session.updatedAt),
      metadata: session.metadata,
    },
  };
}

export function members(
  room: Room,
  actor: Actor,
  query: { cursor?: string; limit: number },
): Result<{ items: MemberAnswer[]; nextCursor?: string }> {
  const found = readAccess(room.view, actor.id);
  if (!found.ok) return found;
  const after = query.cursor === undefined ? '' : decodeCursor('members', room.identity.sessionId, query.cursor);
  if (after === undefined) return { ok: false, refusal: BAD_CURSOR };
  const limit = Math.min(query.limit, MEMBERS_PAGE_MAX);
  const rows = room.state.membersAfter(after, limit + 1);
  const items = rows.slice(0, limit).map((row) => ({
    user: { id: row.userId, ...(row.name === undefined ? {} : { name: row.name }), kind: row.kind },
    role: row.role,
    joinedAt: rfc3339(row.joinedAt),
    readSeq: row.readSeq,
  }));
  const last = items.at(-1);
  const more = rows.length > limit && last !== undefined;
  return {
    ok: true,
    value: { items, ...(more ? { nextCursor: encodeCursor('members', room.identity.sessionId, last.user.id) } : {}) },
  };
}

export function presence(
  room: Room,
  actor: Actor,
  query: { cursor?: string; limit: number },
): Result<{ items: PresenceAnswer[]; nextCursor?: string }> {
  const found = readAccess(room.view, actor.id);
  if (!found.ok) return found;
  const { sessionId } = room.identity;
  const after = query.cursor === undefined ? '' : decodeCursor('presence', sessionId, query.cursor);
  if (after === undefined) return { ok: false, refusal: BAD_CURSOR };
  const limit = Math.min(query.limit, PRESENCE_PAGE_MAX);
  const present = room.signals.presence.page(after, limit + 1);
  const items = present.slice(0, limit).map(({ user, status, devices, sinceMs }) => ({
    user,
    status,
    devices,
    since: rfc3339(sinceMs),
  }));
  const last = items.at(-1);
  const more = present.length > limit && last !== undefined;
  return { ok: true, value: { items, ...(more ? { nextCursor: encodeCursor('presence', sessionId, last.user.id) } : {}) } };
}

/** Newest first. A cursor is the seq of a message at the page's edge, so others' writes move nothing. */
export function messages(room: Room, actor: Actor, query: MessagesQuery): Result<MessagesPage> {
  const found = readAccess(room.view, actor.id);
  if (!found.ok) return found;
  const { sessionId } = room.identity;
  const before = query.before === undefined ? undefined : decodeCursor('messages', sessionId, query.before);
  const after = query.after === undefined ? undefined : decodeCursor('messages', sessionId, query.after);
  if ((query.before !== undefined && before === undefined) || (query.after !== undefined && after === undefined)) {
    return { ok: false, refusal: BAD_CURSOR };
  }
  if (query.parentId !== undefined && room.state.message(query.parentId) === undefined) {
    return { ok: false, refusal: refusal('message_not_found', 'The parent message does not exist.') };
  }
  if (query.around !== undefined) return around(room, actor, query.around, query);
  const limit = Math.min(query.limit, MESSAGES_PAGE_MAX);
  const upwards = after !== undefined;
  const from = upwards ? Number(after) : before === undefined ? Number.MAX_SAFE_INTEGER : Number(before);
  const rows = upwards
    ? room.state.messagesAbove(from, limit + 1, query.parentId)
    : room.state.messagesBelow(from, limit + 1, query.parentId);
  const page = cutPage(withReactions(room, rows.slice(0, limit), actor));
  const items = upwards ? page.toReversed() : page;
  const newest = items[0]?.record.seq ?? (upwards ? from : before === undefined ? room.events.head : from - 1);
  const oldest = items.at(-1)?.record.seq;
  const older = oldest !== undefined && room.state.messagesBelow(oldest, 1, query.parentId).length > 0;
  return {
    ok: true,
    value: {
      items: items.map((row) => itemOf(room, row)),
      ...(older ? { nextCursor: encodeCursor('messages', sessionId, String(oldest)) } : {}),
      previousCursor: encodeCursor('messages', sessionId, String(newest)),
    },
  };
}

/** A page with a message in its middle: as many newer ones as fit into half of it, and what is below them. */
function around(room: Room, actor: Actor, messageId: string, { limit }: MessagesQuery): Result<MessagesPage> {
  const record = room.state.message(messageId);
  if (record === undefined) return { ok: false, refusal: refusal('message_not_found', 'There is no such message.') };
  const newer = room.state.messagesAbove(record.seq, Math.floor((Math.min(limit, MESSAGES_PAGE_MAX) - 1) / 2));
  // a page is bounded in bytes too: newer ones that leave no room for the message itself stay away
  for (let above = newer.length; ; above = Math.floor(above / 2)) {
    const top = newer[above - 1]?.seq ?? record.seq;
    const before = encodeCursor('messages', room.identity.sessionId, String(top + 1));
    const page = messages(room, actor, { limit, before });
    if (above === 0 || !page.ok || page.value.items.some((item) => item.record.id === messageId)) return page;
  }
}

export function message(room: Room, actor: Actor, messageId: string): Result<PageItem> {
  const found = readAccess(room.view, actor.id);
  if (!found.ok) return found;
  const record = room.state.message(messageId);
  if (record === undefined) return { ok: false, refusal: refusal('message_not_found', 'There is no such message.') };
  const [row = { record, reactions: [] }] = withReactions(room, [record], actor);
  return { ok: true, value: itemOf(room, row) };
}

/** What a search found, as it is now, for a member alone: a public session that the caller is not in is not searched. */
export function foundMessages(room: Room, actor: Actor, messageIds: readonly string[]): FoundMessages {
  const access = readAccess(room.view, actor.id);
  const asked = messageIds.slice(0, SEARCH_PAGE_MAX);
  if (!access.ok || access.access.member === undefined) return { items: [], looked: asked.length };
  const records = asked.flatMap((id) => room.state.message(id) ?? []).filter(({ deletedAt }) => deletedAt === undefined);
  const page = cutPage(withReactions(room, records, actor));
  const left = records[page.length];
  const items = page.map((row) => itemOf(room, row));
  return { items, looked: left === undefined ? asked.length : asked.indexOf(left.id) };
}

/** One look for the list of a user; undefined: there never was such a session. One that it must not see there is only said to be so, that its Inbox may learn of it. */
export function overview(room: Room, actor: Actor): Overview | undefined {
  if (!room.exists) return undefined;
  const change = room.inboxes.changeOf(actor.id);
  const described = change.role === null ? undefined : describe(room, actor);
  if (described?.ok !== true) return { change };
  const newest = messages(room, actor, { limit: 1 });
  const last = newest.ok ? newest.value.items[0] : undefined;
  return { change, listed: { session: described.value, ...(last === undefined ? {} : { last }) } };
}

export function events(room: Room, actor: Actor, query: EventsQuery): Result<EventsPage> {
  const found = readAccess(room.view, actor.id);
  if (!found.ok) return found;
  const { head, floor } = room.events;
  if (query.after > head || (query.epoch !== undefined && query.epoch !== room.epoch)) {
    return {
      ok: false,
      refusal: refusal('epoch_changed', 'The cursor is ahead of the session or of another epoch: start over.'),
    };
  }
  const limit = Math.min(query.limit, EVENTS_PAGE_MAX);
  const last = Math.min(query.after + limit, head);
  const archived = query.after + 1 < floor ? { from: query.after + 1, to: Math.min(last, floor - 1) } : undefined;
  const tailFrom = archived === undefined ? query.after + 1 : archived.to + 1;
  const tail = tailFrom > last ? [] : room.events.range(tailFrom, last - tailFrom + 1, PAGE_BYTES_MAX);
  return {
    ok: true,
    value: {
      ...(archived === undefined ? {} : { archived }),
      erasedSubjects: archived === undefined ? [] : room.events.deletedMessages(room.progress.archived(), archived.to),
      erasedTraces: archived === undefined ? [] : room.events.purgedTraces(room.progress.archived(), archived.to),
      events: tail.map((event) => JSON.parse(event.body) as Event),
      head,
      epoch: room.epoch,
    },
  };
}

/** For the sender, owners and admins. Its deleter still gets the status of session.delete. */
export function commandStatus(room: Room, actor: Actor, commandId: string): Result<CommandStatus> {
  const record = room.exists ? room.commands.find(commandId, room.ports.nowMs()) : undefined;
  const deleted = room.view.session()?.status === 'deleted';
  const sender = record?.actor === actor.id && (!deleted || record.type === 'session.delete');
  const admin = record !== undefined && !deleted && actor.admin === true;
  const found = readAccess(room.view, actor.id);
  // whoever left a private session may still learn what became of its own commands
  if (!found.ok && !sender && !admin) return found;
  const owner = found.ok && isOwner(found.access.member);
  if (record === undefined || !(sender || admin || owner)) {
    return { ok: false, refusal: refusal('not_found', 'There is no such command, or you may not see it.') };
  }
  const progress = room.progress.of(record.seq);
  // each time is raised to at least the one before: clocks of edge and servers differ
  const persisted = progress.failure === undefined ? progress.persistedAt : undefined;
  const published = progress.publishedAt === undefined ? undefined : Math.max(progress.publishedAt, record.acceptedAt);
  const status =
    progress.failure !== undefined
      ? 'failed'
      : persisted !== undefined
        ? 'persisted'
        : published !== undefined
          ? 'published'
          : 'accepted';
  return {
    ok: true,
    value: {
      commandId,
      type: record.type,
      status,
      seq: record.seq,
      eventId: record.eventId,
      acceptedAt: rfc3339(record.acceptedAt),
      ...(published === undefined ? {} : { publishedAt: rfc3339(published) }),
      ...(persisted === undefined ? {} : { persistedAt: rfc3339(Math.max(persisted, published ?? record.acceptedAt)) }),
      ...(progress.failure === undefined ? {} : { failure: { ...progress.failure, at: rfc3339(progress.failure.at) } }),
    },
  };
}

/** A message's row of the index, and its live reactions. */
type Row = Pick<PageItem, 'record' | 'reactions'>;

function withReactions(room: Room, records: readonly MessageRecord[], actor: Actor): Row[] {
  const seqs = records.map(({ seq }) => seq);
  const summaries = room.state.reactions.summaries(seqs, actor.id);
  // a deletion has dropped those of its message
  return records.map((record) => ({ record, reactions: summaries.get(record.seq) ?? [] }));
}

/** A page is cut at 512 KiB, but never before its first message. */
function cutPage(rows: readonly Row[]): Row[] {
  const page: Row[] = [];
  let bytes = 0;
  for (const row of rows) {
    const { textBytes, restBytes } = row.record;
    bytes += textBytes + restBytes + utf8Bytes(JSON.stringify(row.reactions)) + MESSAGE_FRAME_BYTES;
    if (page.length > 0 && bytes > PAGE_BYTES_MAX) break;
    page.push(row);
  }
  return page;
}

function itemOf(room: Room, row: Row): PageItem {
  const { record } = row;
  const item: PageItem = { ...row, replyCount: room.state.replyCount(record.id) };
  if (record.deletedAt !== undefined) return { ...item, body: { text: '', status: 'completed', metadata: {} } };
  const updated = textOf(room.events.one(record.updatedSeqs.at(-1) ?? 0));
  const created = room.events.one(record.seq);
  if (created === undefined || isErased(created) || created.type !== 'message.created') {
    return { ...item, ...(updated === undefined ? {} : { newerText: updated }) };
  }
  const { text, status, toolCallId, metadata } = created.data;
  return { ...item, body: { text: updated ?? text, status, metadata, ...(toolCallId === undefined ? {} : { toolCallId }) } };
}

function textOf(event: Event | undefined): string | undefined {
  return event !== undefined && !isErased(event) && event.type === 'message.updated' ? event.data.text : undefined;
}
