/** A token bucket (RFC 2698's single-rate idea): `perS` tokens a second, at most `burst` saved up. Time comes from outside. */
export class TokenBucket {
  readonly #perMs: number;
  readonly #burst: number;
  #tokens: number;
  #atMs: number;

  constructor(perS: number, burst: number, nowMs: number) {
    this.#perMs = perS / 1_000;
    this.#burst = burst;
    this.#tokens = burst;
    this.#atMs = nowMs;
  }

  /** Takes a token: 0 when there was one, else the milliseconds until there will be. */
  take(nowMs: number): number {
    const elapsed = Math.max(0, nowMs - this.#atMs);
    this.#tokens = Math.min(this.#burst, this.#tokens + elapsed * this.#perMs);
    this.#atMs = nowMs;
    if (this.#tokens >= 1) {
      this.#tokens -= 1;
      return 0;
    }
    return Math.ceil((1 - this.#tokens) / this.#perMs);
  }

  /** True when it is as full as a new one: nothing is lost by forgetting it. */
  full(nowMs: number): boolean {
    return this.#tokens + Math.max(0, nowMs - this.#atMs) * this.#perMs >= this.#burst;
  }
}
