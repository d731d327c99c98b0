/**
 * Full jitter: anywhere between 0 and the exponential bound, so that those who lost a server together do not come back
 * together (AWS Architecture Blog, "Exponential Backoff And Jitter", 2015).
 */
export function fullJitterMs(attempt: number, baseMs: number, capMs: number, random: () => number): number {
  return Math.floor(random() * Math.min(capMs, baseMs * 2 ** Math.min(attempt, 30)));
}
