import { INBOX_COUNT_MAX } from './limits.ts';
import type { MemberRole } from './types.ts';

/**
 * What a Session says of itself to the Inbox of one user: all of it, never a difference. At one `head` a Session says
 * always the same, but for what was read since; so the greater head wins, and what was read is merged by max.
 */
export interface InboxChange {
  sessionId: string;
  /** seq of the newest event */
  head: number;
  /** ordinal of the newest message; 0 before the first */
  headOrdinal: number;
  /** microseconds: the clock of the event at `head` */
  activity: number;
  /** null: not a member (any more), or the session is deleted */
  role: MemberRole | null;
  /** the user has read up to this message: by the read pointer, or by having sent it */
  readOrdinal: number;
  /** ordinals, rising, of the newest INBOX_COUNT_MAX messages above readOrdinal that mention the user and are not deleted */
  mentions: readonly number[];
}

/**
 * Merges what is known with what came, in any order and any number of times. Returns `known` itself when nothing in it
 * changes, so that a repetition is told from news.
 */
export function mergeInbox(known: InboxChange | undefined, came: InboxChange): InboxChange {
  if (known === undefined) return came;
  if (came.head <= known.head && came.readOrdinal <= known.readOrdinal) return known;
  const newer = came.head > known.head ? came : known;
  const readOrdinal = Math.max(known.readOrdinal, came.readOrdinal);
  return { ...newer, readOrdinal, mentions: newer.mentions.filter((ordinal) => ordinal > readOrdinal) };
}

/** Deleted messages count too: they stay as rows (contract §2). INBOX_COUNT_MAX means "or more". */
export function unreadOf({ headOrdinal, readOrdinal }: InboxChange): number {
  return Math.min(Math.max(headOrdinal - readOrdinal, 0), INBOX_COUNT_MAX);
}

/** A deleted message mentions nobody. INBOX_COUNT_MAX means "or more". */
export function mentionsOf({ mentions }: InboxChange): number {
  return Math.min(mentions.length, INBOX_COUNT_MAX);
}

/**
 * Whether an inbox shows a session as the session is: in what its user sees, for heads rise by events that no inbox hears of,
 * and old messages of one's own are not looked for.
 */
export function inboxFault(
  known: InboxChange | undefined,
  session: InboxChange,
): { kind: 'missing' | 'different'; detail: string } | undefined {
  if (session.role === null) {
    return known === undefined || known.role === null ? undefined : { kind: 'different', detail: 'still listed' };
  }
  if (known === undefined) return { kind: 'missing', detail: 'not listed' };
  const shown = { role: known.role, unread: unreadOf(known), mentions: mentionsOf(known) };
  const right = { role: session.role, unread: unreadOf(session), mentions: mentionsOf(session) };
  const wrong = (['role', 'unread', 'mentions'] as const).filter((name) => shown[name] !== right[name]);
  if (wrong.length === 0) return undefined;
  return { kind: 'different', detail: wrong.map((name) => `${name} is ${shown[name]} instead of ${right[name]}`).join(', ') };
}
