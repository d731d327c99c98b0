import type { InboxChange } from '../../shared/core/inbox.ts';
import { decodeCursor, encodeCursor } from '../session/cursor.ts';

/** Where a page ends, in the order of the list. */
export type Place = Pick<InboxChange, 'activity' | 'sessionId'>;

export function cursorAt(userId: string, { activity, sessionId }: Place): string {
  return encodeCursor('sessions', userId, `${activity}.${sessionId}`);
}

/** Undefined when the cursor was not made for this user's list. */
export function placeOf(userId: string, cursor: string): Place | undefined {
  const position = decodeCursor('sessions', userId, cursor);
  const [, activity, sessionId] = /^(\d{1,16})\.([A-Za-z0-9_-]+)$/.exec(position ?? '') ?? [];
  return activity === undefined || sessionId === undefined ? undefined : { activity: Number(activity), sessionId };
}
