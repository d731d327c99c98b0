import { useSyncExternalStore } from 'react';
import type { ClientMessage, Session } from '../../client/index.ts';
import { messageIn } from '../../client/react/index.ts';

/** A message, when it is here; shown anew as it changes, wherever it is quoted: what was said before may be erased. */
export function useMessage(session: Session, messageId: string): ClientMessage | undefined {
  return useSyncExternalStore(session.subscribe, () => messageIn(session, messageId));
}
