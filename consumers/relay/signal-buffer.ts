import type { InboundSignal } from '../../shared/contract/backend.ts';
import { SIGNAL_SESSIONS_MAX, SIGNALS_MAX, type SignalsRequest } from '../../shared/contract/internal.ts';

/** signals of a session are gathered for so long: one call instead of many */
export const GATHER_MS = 25;
/** of all that waits; at it the oldest session's oldest signals are dropped: they are of the moment */
export const BUFFER_BYTES_MAX = 4 * 1024 * 1024;
/** of one call, so that its body stays below 1 MiB; a larger session goes on in the next */
const CALL_BYTES_MAX = 768 * 1024;
/** of a session's address in the body */
const SESSION_BYTES = 160;

interface Waiting {
  tenant: string;
  sessionId: string;
  signals: { signal: InboundSignal; bytes: number }[];
  dueAtMs: number;
}

/**
 * Signals on their way to the edge, gathered per session. The signals of a session are out in one call at a time, so they
 * arrive in the order in which they came. Plain: time comes in, nothing is sent here.
 */
export class SignalBuffer {
  /** in the order in which sessions came to have something to tell */
  readonly #waiting = new Map<string, Waiting>();
  readonly #out = new Set<string>();
  #bytes = 0;
  #dropped = 0;

  add({ tenant, sessionId }: { tenant: string; sessionId: string }, signal: InboundSignal, nowMs: number): void {
    const key = keyOf(tenant, sessionId);
    const waiting = this.#waiting.get(key) ?? { tenant, sessionId, signals: [], dueAtMs: nowMs + GATHER_MS };
    this.#waiting.set(key, waiting);
    const bytes = Buffer.byteLength(JSON.stringify(signal)) + 1;
    waiting.signals.push({ signal, bytes });
    this.#bytes += bytes;
    while (this.#bytes > BUFFER_BYTES_MAX) this.#dropOldest();
  }

  /** What one call may carry now; empty when nothing is due. Those sessions are out until `back`. */
  takeDue(nowMs: number): SignalsRequest['sessions'] {
    const sessions: SignalsRequest['sessions'] = [];
    let bytes = 0;
    for (const [key, waiting] of this.#waiting) {
      if (sessions.length >= SIGNAL_SESSIONS_MAX || bytes >= CALL_BYTES_MAX) break;
      if (waiting.dueAtMs > nowMs || this.#out.has(key)) continue;
      const signals: InboundSignal[] = [];
      bytes += SESSION_BYTES;
      for (let first = waiting.signals[0]; first !== undefined; first = waiting.signals[0]) {
        if (signals.length >= SIGNALS_MAX || bytes + first.bytes > CALL_BYTES_MAX) break;
        waiting.signals.shift();
        signals.push(first.signal);
        bytes += first.bytes;
        this.#bytes -= first.bytes;
      }
      if (waiting.signals.length === 0) this.#waiting.delete(key);
      if (signals.length === 0) break;
      this.#out.add(key);
      sessions.push({ tenant: waiting.tenant, sessionId: waiting.sessionId, signals });
    }
    return sessions;
  }

  /** The call is over, however it ended. */
  back(sessions: SignalsRequest['sessions']): void {
    for (const { tenant, sessionId } of sessions) this.#out.delete(keyOf(tenant, sessionId));
  }

  /** Milliseconds until something may be taken; undefined when that is not a matter of time. */
  dueInMs(nowMs: number): number | undefined {
    let earliest: number | undefined;
    for (const [key, { dueAtMs }] of this.#waiting) {
      if (!this.#out.has(key)) earliest = Math.min(earliest ?? dueAtMs, dueAtMs);
    }
    return earliest === undefined ? undefined : Math.max(0, earliest - nowMs);
  }

  /** How many were dropped at the bound since the last question. */
  takeDropped(): number {
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped;
  }

  #dropOldest(): void {
    const [oldest] = this.#waiting;
    if (oldest === undefined) return;
    const [key, waiting] = oldest;
    this.#bytes -= waiting.signals.shift()?.bytes ?? 0;
    this.#dropped += 1;
    if (waiting.signals.length === 0) this.#waiting.delete(key);
  }
}

function keyOf(tenant: string, sessionId: string): string {
  return `${tenant} ${sessionId}`;
}
