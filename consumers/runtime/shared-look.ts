/**
 * One look for many askers: what it said holds for a while, and whoever asks meanwhile is told that. Those who ask while it is
 * being taken wait for the same one. `look` has a bound of its own.
 */
export function sharedLook<T>(look: () => Promise<T>, holdsForMs: (said: T) => number, now: () => number): () => Promise<T> {
  let last: { said: T; untilMs: number } | undefined;
  let looking: Promise<T> | undefined;
  const lookNow = async (): Promise<T> => {
    try {
      const said = await look();
      last = { said, untilMs: now() + holdsForMs(said) };
      return said;
    } finally {
      looking = undefined;
    }
  };
  return async () => {
    if (last !== undefined && now() < last.untilMs) return last.said;
    looking ??= lookNow();
    return await looking;
  };
}
