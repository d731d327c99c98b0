import { HEARTBEAT_MS, TAIL_MS_MIN } from '../../shared/core/limits.ts';

/** One alarm, one owner: everything that must happen later is named here, and the earliest wins. */
export interface AlarmFacts {
  nowMs: number;
  /** unpublished events wait: when the next attempt is due */
  outboxRetryAtMs?: number;
  /** inboxes wait to be told: when the next attempt is due */
  inboxRetryAtMs?: number;
  /** events have no receipt: when it is time to look for them, by repairDueMs */
  repairDueMs?: number;
  /** persisted events beyond the tail's minimum wait for their age */
  trimmable: boolean;
  /** a trim stopped at its bound of rows: there is more that is old enough */
  trimsOn: boolean;
  /** the earliest expiry of a socket's token, or end of its patience when its window is full */
  socketDeadlineMs?: number;
  openSockets: number;
  /** a running stream has had no chunk for too long */
  streamDeadlineMs?: number;
  /** somebody whose last socket closed is to be told as offline */
  presenceDeadlineMs?: number;
}

/** between two trims of a backlog: commands come in between */
const TRIM_AGAIN_MS = 250;
/** at most 12 sweeps an hour in an idle session */
export const SWEEP_EVERY_MS = 10 * HEARTBEAT_MS;

/** When to wake next; undefined: not at all. */
export function nextAlarmMs(facts: AlarmFacts): number | undefined {
  const due: number[] = [];
  if (facts.outboxRetryAtMs !== undefined) due.push(facts.outboxRetryAtMs);
  if (facts.inboxRetryAtMs !== undefined) due.push(facts.inboxRetryAtMs);
  if (facts.repairDueMs !== undefined) due.push(facts.repairDueMs);
  if (facts.trimmable) due.push(facts.nowMs + (facts.trimsOn ? TRIM_AGAIN_MS : TAIL_MS_MIN));
  if (facts.socketDeadlineMs !== undefined) due.push(facts.socketDeadlineMs);
  if (facts.streamDeadlineMs !== undefined) due.push(facts.streamDeadlineMs);
  if (facts.presenceDeadlineMs !== undefined) due.push(facts.presenceDeadlineMs);
  if (facts.openSockets > 0) due.push(facts.nowMs + SWEEP_EVERY_MS);
  if (due.length === 0) return undefined;
  return Math.max(Math.min(...due), facts.nowMs);
}

const OUTBOX_RETRY_MS_MIN = 500;
const OUTBOX_RETRY_MS_MAX = 30_000;

/** Full jitter above half of the step, so that sessions do not come back to a server all at once. `random` is in [0, 1). */
export function outboxBackoffMs(failures: number, random: number): number {
  const step = Math.min(OUTBOX_RETRY_MS_MIN * 2 ** Math.min(failures - 1, 10), OUTBOX_RETRY_MS_MAX);
  return Math.ceil(step / 2 + (step / 2) * random);
}
