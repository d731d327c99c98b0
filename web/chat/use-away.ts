import { useEffect } from 'react';
import type { Session } from '../../client/index.ts';

/** Says that one is away while the page is out of sight, and that one is back; anew with each connection, which begins as online. */
export function useAway(handle: Session, isLive: boolean): void {
  useEffect(() => {
    if (!isLive) return;
    const say = (): void => handle.setPresence(document.visibilityState === 'visible' ? 'online' : 'away');
    if (document.visibilityState === 'hidden') say();
    document.addEventListener('visibilitychange', say);
    return () => document.removeEventListener('visibilitychange', say);
  }, [handle, isLive]);
}
