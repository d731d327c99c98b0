import type { MillraceError } from './error.ts';
import type { SessionsItem } from './wire.ts';

export interface SessionListSnapshot {
  /** `ready`: its first page is here; it stays so while later ones are read */
  status: 'idle' | 'loading' | 'ready';
  /** why the last read failed; it is repeated */
  error: MillraceError | undefined;
  /** newest activity first, with the counts of the inbox */
  items: readonly SessionsItem[];
  hasMore: boolean;
}

export const EMPTY_SESSION_LIST: SessionListSnapshot = { status: 'idle', error: undefined, items: [], hasMore: false };
