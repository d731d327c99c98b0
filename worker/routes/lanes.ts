/** Runs `work` over all of them, `lanesMax` at a time; results in the order of the items. The first rejection rejects. */
export async function inLanes<T, R>(items: readonly T[], lanesMax: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const waiting = items.entries();
  const lane = async (): Promise<void> => {
    // the iterator is shared: each item is taken by one of the lanes
    for (const [at, item] of waiting) results[at] = await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(lanesMax, items.length) }, lane));
  return results;
}
