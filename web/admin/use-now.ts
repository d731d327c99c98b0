import { useSyncExternalStore } from 'react';

const EVERY_MS = 1_000;
let nowMs = Date.now();
let timer: number | undefined;
const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  // it stood still while nobody looked
  nowMs = Date.now();
  timer ??= window.setInterval(() => {
    nowMs = Date.now();
    for (const each of listeners) each();
  }, EVERY_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** The time, to the second, for ages that are shown. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => nowMs);
}
