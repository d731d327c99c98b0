import {
  AUDIT_DIGESTS_MAX,
  AUDIT_FAILURES_MAX,
  AUDIT_INBOXES_MAX,
  AUDIT_RANGES_MAX,
  AUDIT_TAIL_BYTES_MAX,
  AUDIT_TAIL_EVENTS_MAX,
  type AuditedSession,
} from '../../shared/contract/audit.ts';
import { DIGEST_BYTES, digestAt, digestOf, ERASED, putDigest } from '../../shared/core/event-digest.ts';
import { PUSHED_MEMBERS_MAX } from '../../shared/core/limits.ts';
import type { SeqRange } from '../../shared/core/seq-ranges.ts';
import type { Event } from '../../shared/core/types.ts';
import type { InboxesPage } from './api.ts';
import type { Room } from './room.ts';

/** What the Session knows of itself, for whoever compares it with stream, archive and read models. Reads only. */
export function auditDigestsOf(room: Room, from: number): AuditedSession | undefined {
  if (!room.exists) return undefined;
  const { events, progress } = room;
  const oldest = room.retention.oldestUnpersistedMs();
  const failures = progress.failures(AUDIT_FAILURES_MAX + 1);
  const isDeleted = room.state.session()?.status === 'deleted';
  return {
    epoch: room.epoch,
    head: events.head,
    floor: events.floor,
    sent: progress.sent,
    persisted: progress.persisted,
    pending: bounded(progress.unpersisted(events.head), events.head),
    ...(oldest === undefined ? {} : { oldestPendingAtMs: oldest }),
    failures: failures.slice(0, AUDIT_FAILURES_MAX),
    ...(failures.length > AUDIT_FAILURES_MAX ? { moreFailures: true } : {}),
    isDeleted,
    digests: base64(digestsFrom(room, from, isDeleted)),
  };
}

/** JSON of events that are still here. */
export function auditEventsOf(room: Room, from: number, to: number): string[] {
  if (!room.exists) return [];
  return room.events.range(from, AUDIT_TAIL_EVENTS_MAX, AUDIT_TAIL_BYTES_MAX, to).map(({ body }) => body);
}

/** What the Inboxes of these members are to show; none where the session is too large for all to be told. */
export function auditInboxesOf(room: Room, after: string): InboxesPage {
  if (!room.exists) return { users: [] };
  if (room.state.activeMembers() > PUSHED_MEMBERS_MAX) return { users: [], isUnpushed: true };
  const members = room.state.membersAfter(after, AUDIT_INBOXES_MAX + 1);
  const page = members.slice(0, AUDIT_INBOXES_MAX);
  const last = page.at(-1);
  return {
    users: page.map(({ userId }) => ({ userId, change: room.inboxes.changeOf(userId) })),
    ...(members.length > AUDIT_INBOXES_MAX && last !== undefined ? { next: last.userId } : {}),
  };
}

function digestsFrom(room: Room, from: number, isDeleted: boolean): Uint8Array {
  const { events } = room;
  const trimmedTo = Math.min(events.floor - 1, events.head, from + AUDIT_DIGESTS_MAX - 1);
  if (from <= trimmedTo) {
    const digests = events.digests.range(from, trimmedTo);
    // the deletion erased all below it, and wrote no digest for it
    if (isDeleted) for (let index = 0; index < digests.length / DIGEST_BYTES; index += 1) erase(digests, index);
    return digests;
  }
  const whole = events.range(from, AUDIT_TAIL_EVENTS_MAX, AUDIT_TAIL_BYTES_MAX);
  const digests = new Uint8Array(whole.length * DIGEST_BYTES);
  for (const [index, { body }] of whole.entries()) {
    putDigest(digests, index, digestOf(JSON.parse(body) as Event, room.ports.digest));
  }
  return digests;
}

function erase(digests: Uint8Array, index: number): void {
  putDigest(digests, index, { ...digestAt(digests, index), data: ERASED });
}

function bounded(ranges: readonly SeqRange[], head: number): AuditedSession['pending'] {
  const first = ranges.slice(0, AUDIT_RANGES_MAX).map(([from, to]) => ({ from, to }));
  const last = first.at(-1);
  if (last !== undefined && ranges.length > AUDIT_RANGES_MAX) last.to = head;
  return first;
}

/** In one go: an answer has at most AUDIT_DIGESTS_MAX digests. */
function base64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
}
