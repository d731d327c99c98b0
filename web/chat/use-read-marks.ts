import { useEffect, useMemo, useSyncExternalStore } from 'react';
import { Pace } from './pace.ts';
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
  // said again with the next message, should it fail
  const pace = useMemo(() => new Pace(EVERY_MS, () => void handle.markRead().catch(() => {})), [handle]);
  useEffect(() => {
    // not put off by what comes meanwhile: where people never pause it would never be said
    if (reads) pace.ask();
    else pace.stop();
  }, [pace, reads, head]);
  useEffect(() => () => pace.stop(), [pace]);
}
