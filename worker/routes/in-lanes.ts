/** sessions asked at the same time: the platform opens no more connections at once */
const LANES_MAX = 6;

/** Does the work for each item, few at a time and in their order. Resolves when all is done; the work must not reject. */
export async function inLanes<T>(items: readonly T[], work: (item: T, index: number) => Promise<void>): Promise<void> {
  const waiting = items.entries();
  const takeNext = async (): Promise<void> => {
    // the iterator is shared: each item is taken by one of the lanes
    for (const [index, item] of waiting) await work(item, index);
  };
  await Promise.all(Array.from({ length: LANES_MAX }, takeNext));
}
