import { useCallback, useSyncExternalStore } from 'react';

/** Something of the client that changes, and that is live while it is held open. */
export interface Source<S> {
  open(): () => void;
  subscribe(listener: () => void): () => void;
  getSnapshot(): S;
}

/** Subscribed and held open for as long as the component is mounted; a remount in between finds the same connection. */
export function useSource<S>(source: Source<S>, empty: S): S {
  const subscribe = useCallback(
    (listener: () => void) => {
      const release = source.open();
      const off = source.subscribe(listener);
      return () => {
        off();
        release();
      };
    },
    [source],
  );
  return useSyncExternalStore(subscribe, source.getSnapshot, () => empty);
}
