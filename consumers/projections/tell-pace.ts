import { INBOX_TELL_MS } from '../../shared/core/limits.ts';

/** sessions that are remembered; at it the ones told longest ago are forgotten, and told a little earlier */
const TOLD_SESSIONS_MAX = 10_000;

/**
 * When sessions were last told of. A batch in which every session was told within INBOX_TELL_MS may wait for the rest of that
 * time, and what comes meanwhile goes with it: each message of a busy session would else write a row in the Inbox of each
 * member. A session that was quiet waits for nothing. Time comes in.
 */
export class TellPace {
  readonly #toldAtMs = new Map<string, number>();

  told(sessions: Iterable<string>, nowMs: number): void {
    for (const session of sessions) {
      // in the order of time
      this.#toldAtMs.delete(session);
      this.#toldAtMs.set(session, nowMs);
    }
    for (const [session, atMs] of this.#toldAtMs) {
      if (atMs + INBOX_TELL_MS > nowMs && this.#toldAtMs.size <= TOLD_SESSIONS_MAX) break;
      this.#toldAtMs.delete(session);
    }
  }

  /** Milliseconds until the first of these sessions may be told again: 0 when one of them may at once. */
  waitMs(sessions: Iterable<string>, nowMs: number): number {
    let least = INBOX_TELL_MS;
    for (const session of sessions) {
      const atMs = this.#toldAtMs.get(session);
      least = atMs === undefined ? 0 : Math.min(least, Math.max(0, atMs + INBOX_TELL_MS - nowMs));
      if (least === 0) return 0;
    }
    return least;
  }
}
