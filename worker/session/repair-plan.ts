/** When to look for what has no receipt, and when to publish again what is nowhere. Pure: the simulator runs it too. */

/** the longest wait between two rounds, as a multiple of the first */
const ROUNDS_WAIT_STEPS_MAX = 20;
/** beyond the window in which JetStream would take it for a repetition: its clock and ours, and how exactly it forgets */
const WINDOW_MARGIN = 1.25;
const REPUBLISH_STEPS_MAX = 24;

export interface RepairFacts {
  nowMs: number;
  /** for how long nothing is missed */
  afterMs: number;
  /** when the oldest event that was sent and has no receipt was published; absent: there is none */
  oldestSentMs?: number;
  /** when the mark of persisted events last moved: while a consumer catches up nothing was lost */
  lastProgressMs: number;
  /** rounds since the last progress, and when the last of them began */
  attempts: number;
  askedAtMs: number;
  /** a round stopped at its bound of time and goes on behind what it looked at */
  goesOn: boolean;
  /** an event that is nowhere may be published again from then on */
  republishAtMs?: number;
}

/** When the next round of the repair is due; undefined: nothing is missing. */
export function repairDueMs(facts: RepairFacts): number | undefined {
  if (facts.oldestSentMs === undefined) return undefined;
  if (facts.goesOn) return facts.nowMs;
  const first = Math.max(facts.oldestSentMs, facts.lastProgressMs) + facts.afterMs;
  const next = facts.attempts === 0 ? first : Math.max(first, facts.askedAtMs + repairBackoffMs(facts.attempts, facts.afterMs));
  return facts.republishAtMs === undefined ? next : Math.min(next, facts.republishAtMs);
}

/** With the default of a minute: half a minute, doubled to ten minutes. */
export function repairBackoffMs(attempts: number, afterMs: number): number {
  const stepMs = afterMs / 2;
  return Math.min(stepMs * 2 ** Math.min(attempts - 1, 10), stepMs * ROUNDS_WAIT_STEPS_MAX);
}

/** What is known of the publications of one event. */
export interface Published {
  /** the last of them, or the last attempt */
  atMs: number;
  /** how often it was published again */
  attempts: number;
}

/**
 * When an event that is nowhere may be published again: within the window of the last publication JetStream would say that it
 * has it and store nothing. With the default window: after 2.5 minutes, doubled to an hour.
 */
export function republishAtMs({ atMs, attempts }: Published, duplicateWindowMs: number): number {
  const waitMs = duplicateWindowMs * WINDOW_MARGIN;
  return atMs + Math.min(waitMs * 2 ** Math.min(attempts, 10), waitMs * REPUBLISH_STEPS_MAX);
}
