import { useEffect, useSyncExternalStore } from 'react';
import { useOpenSession } from './session-context.ts';

/** what is read is said at most this often */
const EVERY_MS = 1_000;

function subscribe(listener: () => void): () => void {
  document.addEventListener('visibilitychange', listener);
  window.addEventListener('focus', listener);
  window.addEventListener('blur', listener);
  return () => {
    document.removeEventListener('visibilitychange', listener);
    window.removeEventListener('focus', listener);
    window.removeEventListener('blur', listener);
  };
}

/** Says what has been read: what is shown while somebody looks. */
export function useReadMarks(isShown: boolean): void {
  const { handle, session, isLive } = useOpenSession();
  const looks = useSyncExternalStore(subscribe, () => document.visibilityState === 'visible' && document.hasFocus());
  const head = session?.head;
  const reads = isShown && looks && isLive && session?.role !== undefined;
  useEffect(() => {
    if (!reads) return;
    const timer = setTimeout(() => {
      // said again with the next message, should it fail
      handle.markRead().catch(() => {});
    }, EVERY_MS);
    return () => clearTimeout(timer);
  }, [handle, reads, head]);
}
