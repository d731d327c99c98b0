import type { MillraceError } from './error.ts';
import type { InboxItem } from './wire.ts';

export interface InboxSnapshot {
  /** `live`: by its socket; `polling`: asked for now and then, as there is no socket */
  status: 'idle' | 'live' | 'polling' | 'closed';
  error: MillraceError | undefined;
  /** by session, what changed last at the end */
  items: readonly InboxItem[];
}

export const EMPTY_INBOX: InboxSnapshot = { status: 'idle', error: undefined, items: [] };
