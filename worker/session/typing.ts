import type { SignalFrame } from '../../shared/contract/frames.ts';
import { rfc3339 } from '../../shared/core/clock.ts';
import { TokenBucket } from '../../shared/core/token-bucket.ts';

/** whoever is told of typing takes it as over after this long without another signal; so do those who join */
export const TYPING_MS = 10_000;
/** signals of one user that are passed on; more are dropped, and what they said ends by itself */
const PER_USER_PER_S = 2;
const PER_USER_BURST = 6;
/** typists remembered at once; over it the oldest is forgotten: who joins is not told of them */
const TYPISTS_MAX = 1_000;

interface Typist {
  user: SignalFrame['user'];
  active: boolean;
  /** when it was said last */
  atMs: number;
  untilMs: number;
  bucket: TokenBucket;
}

/** Who is typing, in memory only: it lasts seconds, and a heartbeat or a sleeping session need not know. */
export class Typing {
  readonly #typists = new Map<string, Typist>();

  /** The frame to pass on; undefined when there is nothing to tell. */
  take(user: SignalFrame['user'], active: boolean, nowMs: number): SignalFrame | undefined {
    const known = this.#typists.get(user.id);
    const lasts = known?.active === true && known.untilMs > nowMs;
    // saying again that one does not type is nothing new
    if (!active && !lasts) return undefined;
    const bucket = known?.bucket ?? new TokenBucket(PER_USER_PER_S, PER_USER_BURST, nowMs);
    if (bucket.take(nowMs) > 0) return undefined;
    // the latest is the last in the map: the first is the one to forget
    this.#typists.delete(user.id);
    if (this.#typists.size >= TYPISTS_MAX) this.#typists.delete(this.#typists.keys().next().value ?? '');
    this.#typists.set(user.id, { user, active, atMs: nowMs, untilMs: nowMs + TYPING_MS, bucket });
    return frameOf(user, active, nowMs);
  }

  /** The user's last socket closed. */
  left(userId: string, nowMs: number): SignalFrame | undefined {
    const known = this.#typists.get(userId);
    this.#typists.delete(userId);
    return known?.active === true && known.untilMs > nowMs ? frameOf(known.user, false, nowMs) : undefined;
  }

  /** For who joins: everybody who is typing now, as it was said. */
  current(nowMs: number): SignalFrame[] {
    return [...this.#typists.values()]
      .filter(({ active, untilMs }) => active && untilMs > nowMs)
      .map(({ user, atMs }) => frameOf(user, true, atMs));
  }
}

function frameOf(user: SignalFrame['user'], active: boolean, atMs: number): SignalFrame {
  return { type: 'signal', name: 'typing', user, data: { active }, at: rfc3339(atMs) };
}
