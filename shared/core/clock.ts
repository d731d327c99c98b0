/** The session's clock: `max(previous + 1, now)` in microseconds, as a decimal string (design decision 5). */
export function nextClock(previous: string, nowMs: number): string {
  const now = BigInt(nowMs) * 1000n;
  const next = BigInt(previous) + 1n;
  return (now > next ? now : next).toString();
}

export function compareClocks(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** RFC 3339 UTC with milliseconds. */
export function rfc3339(ms: number): string {
  return new Date(ms).toISOString();
}
