import { setImmediate as nextTurn } from 'node:timers/promises';

/** Time and chance as the runtime meets them: the system's own, or those of a simulation. */
export interface Time {
  /** epoch milliseconds */
  now(): number;
  /** in 0…1 */
  random(): number;
  /** runs once, later; what it answers cancels it */
  after(ms: number, run: () => void): () => void;
  /** resolves in a later turn of the event loop, behind what has already arrived */
  turn(): Promise<void>;
}

export const SYSTEM_TIME: Time = {
  now: Date.now,
  random: Math.random,
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  turn: async () => {
    await nextTurn();
  },
};

/** Runs again and again until cancelled. */
export function every(ms: number, run: () => void, time: Time): () => void {
  let cancel = (): void => {};
  const arm = (): void => {
    cancel = time.after(ms, () => {
      arm();
      run();
    });
  };
  arm();
  return () => cancel();
}
