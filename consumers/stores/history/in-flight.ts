/**
 * Runs `work` on every item, at most inFlightMax at once. After a failure nothing more is begun; rejects with the first one
 * when all that was begun has ended.
 */
export async function eachInFlight<T>(items: Iterable<T>, inFlightMax: number, work: (item: T) => Promise<void>): Promise<void> {
  const iterator = items[Symbol.iterator]();
  let failure: { error: unknown } | undefined;
  const lane = async (): Promise<void> => {
    for (let next = iterator.next(); next.done !== true && failure === undefined; next = iterator.next()) {
      try {
        await work(next.value);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: inFlightMax }, lane));
  if (failure !== undefined) throw failure.error;
}
