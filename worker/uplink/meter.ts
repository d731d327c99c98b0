import { BATCHES, EVENTS, failureCount, Tally, type Counts } from '../metrics/counts.ts';
import type { PublishOutcome, SessionReport, UplinkFigures } from './api.ts';

/** sessions remembered; at it the one that was heard of longest ago goes, and sums over sessions are too low */
const SESSIONS_MAX = 20_000;
/** a Session with events in its outbox tries again every 30 s at the latest: one that does not for this long is not known of */
export const OUTBOX_MS_MAX = 120_000;
/** its sockets are open while it sleeps, and nothing says so */
export const SOCKETS_MS_MAX = 15 * 60_000;

interface Heard {
  outboxEvents: number;
  oldestAtMs: number;
  sockets: number;
  atMs: number;
}

/** Adds up what Sessions tell with their publishes, and what became of these. In memory alone: an evicted Uplink begins at zero. */
export class UplinkMeter {
  readonly #tally = new Tally();
  readonly #startedAtMs: number;
  /** in the order in which they were last heard of */
  readonly #sessions = new Map<string, Heard>();

  constructor(nowMs: number) {
    this.#startedAtMs = nowMs;
  }

  begun(report: SessionReport | undefined, nowMs: number): void {
    if (report === undefined) return;
    if (report.counts !== undefined) this.#tally.merge(report.counts);
    this.#hear(report, report.outboxEvents, nowMs);
  }

  ended(report: SessionReport | undefined, events: number, outcome: PublishOutcome, nowMs: number): void {
    this.#tally.add(BATCHES);
    if (outcome.acked > 0) this.#tally.add(EVENTS, outcome.acked);
    if (outcome.acked < events) this.#tally.add(failureCount(outcome.reason ?? 'refused'));
    if (report !== undefined) this.#hear(report, Math.max(0, report.outboxEvents - outcome.acked), nowMs);
  }

  figures(nowMs: number): UplinkFigures {
    let outboxEvents = 0;
    let outboxSessions = 0;
    let sockets = 0;
    let oldestAtMs: number | undefined;
    for (const [session, heard] of this.#sessions) {
      const ageMs = nowMs - heard.atMs;
      if (ageMs > SOCKETS_MS_MAX) {
        this.#sessions.delete(session);
        continue;
      }
      sockets += heard.sockets;
      if (heard.outboxEvents === 0 || ageMs > OUTBOX_MS_MAX) continue;
      outboxEvents += heard.outboxEvents;
      outboxSessions += 1;
      oldestAtMs = Math.min(oldestAtMs ?? heard.oldestAtMs, heard.oldestAtMs);
    }
    const counts: Counts = { ...this.#tally.counts };
    const outbox = { events: outboxEvents, sessions: outboxSessions, ...(oldestAtMs === undefined ? {} : { oldestAtMs }) };
    return { startedAtMs: this.#startedAtMs, counts, outbox, sockets };
  }

  #hear({ session, oldestAtMs, sockets }: SessionReport, outboxEvents: number, atMs: number): void {
    this.#sessions.delete(session);
    if (outboxEvents === 0 && sockets === 0) return;
    this.#sessions.set(session, { outboxEvents, oldestAtMs, sockets, atMs });
    const [longest] = this.#sessions.keys();
    if (this.#sessions.size > SESSIONS_MAX && longest !== undefined) this.#sessions.delete(longest);
  }
}
