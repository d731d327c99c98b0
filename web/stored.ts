import { useCallback, useSyncExternalStore } from 'react';

const PREFIX = 'millrace:';
const listeners = new Set<() => void>();

/** A storage that may be forbidden or full: then nothing is remembered, and everything else works. */
export function readStored(name: string, storage: () => Storage = () => localStorage): string | null {
  try {
    return storage().getItem(PREFIX + name);
  } catch {
    return null;
  }
}

export function writeStored(name: string, value: string | null, storage: () => Storage = () => localStorage): void {
  try {
    if (value === null) storage().removeItem(PREFIX + name);
    else storage().setItem(PREFIX + name, value);
  } catch {
    // see above
  }
  for (const listener of listeners) listener();
}

/** Says that something that is stored has changed, in this tab or another. */
export function onStored(listener: () => void): () => void {
  listeners.add(listener);
  // other tabs
  window.addEventListener('storage', listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener('storage', listener);
  };
}

/** Says what another tab has made of something that is stored. */
export function onStoredElsewhere(name: string, listener: (value: string | null) => void): () => void {
  const hear = ({ key, newValue }: StorageEvent): void => {
    if (key === PREFIX + name) listener(newValue);
  };
  window.addEventListener('storage', hear);
  return () => window.removeEventListener('storage', hear);
}

/** A text that is remembered here, the same in all tabs. */
export function useStored(name: string): [string | null, (value: string | null) => void] {
  const value = useSyncExternalStore(onStored, () => readStored(name));
  const set = useCallback((next: string | null) => writeStored(name, next), [name]);
  return [value, set];
}
