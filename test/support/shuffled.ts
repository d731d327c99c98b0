/** In an order that `rank` draws, once per item. */
export function shuffled<T>(items: readonly T[], rank: () => number): T[] {
  return items
    .map((item) => ({ item, at: rank() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
