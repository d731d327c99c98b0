/** objects asked at the same time, where a caller says nothing else: the platform opens no more connections at once */
const LANES_MAX = 6;

/** Does the work for each item, few at a time and in their order; what came of each, in the same order. The first rejection rejects. */
export async function inLanes<T, R>(
  items: readonly T[],
  work: (item: T, index: number) => Promise<R>,
  lanesMax: number = LANES_MAX,
): Promise<R[]> {
  const results: R[] = [];
  const waiting = items.entries();
  const takeNext = async (): Promise<void> => {
    // the iterator is shared: each item is taken by one of the lanes
    for (const [index, item] of waiting) results[index] = await work(item, index);
  };
  await Promise.all(Array.from({ length: Math.min(lanesMax, items.length) }, takeNext));
  return results;
}
