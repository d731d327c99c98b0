import { refusal, type Refusal } from '../../shared/core/codes.ts';
import type { Limits } from '../../shared/core/limits.ts';
import { TokenBucket } from '../../shared/core/token-bucket.ts';

/** users remembered at once; full buckets are forgotten first */
const USERS_MAX = 10_000;

/** Command rates per user and of the whole session (contract §6). In memory: an eviction forgives. */
export class Rates {
  readonly #limits: Limits;
  readonly #session: TokenBucket;
  readonly #users = new Map<string, TokenBucket>();

  constructor(limits: Limits, nowMs: number) {
    this.#limits = limits;
    this.#session = new TokenBucket(limits.sessionCommandsPerS, limits.sessionCommandsPerS, nowMs);
  }

  take(userId: string, nowMs: number): Refusal | undefined {
    let bucket = this.#users.get(userId);
    if (bucket === undefined) {
      if (this.#users.size >= USERS_MAX) this.#forget(nowMs);
      bucket = new TokenBucket(this.#limits.commandsPerS, this.#limits.commandsBurst, nowMs);
      this.#users.set(userId, bucket);
    }
    const waitMs = bucket.take(nowMs) || this.#session.take(nowMs);
    if (waitMs === 0) return undefined;
    return refusal('rate_limited', 'Too many commands in this session. Try again later.', { retryAfterMs: waitMs });
  }

  #forget(nowMs: number): void {
    for (const [userId, bucket] of this.#users) if (bucket.full(nowMs)) this.#users.delete(userId);
    if (this.#users.size >= USERS_MAX) this.#users.clear();
  }
}
