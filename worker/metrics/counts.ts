/** What the edge counts, by name. The names are these and no others, so that what comes over RPC cannot grow an Uplink's memory. */

export const DOORS = ['http', 'socket', 'nats'] as const;
export type Door = (typeof DOORS)[number];

/**
 * - `duplicate`: the answer of the first time, by its idempotency key.
 * - `failed`: nobody decided, as the Session could not be reached; it may have been taken all the same.
 */
export const OUTCOMES = ['accepted', 'unchanged', 'duplicate', 'refused', 'failed'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/**
 * Of a socket that says where it was: `resumed` gets what follows, `snapshot` was away for too long, or is of another epoch, and reads the
 * gap elsewhere; `refused` was not let in.
 */
export const RESUMES = ['resumed', 'snapshot', 'refused'] as const;
export type Resume = (typeof RESUMES)[number];

/** Why a publish was not acknowledged. */
export const PUBLISH_FAILURES = ['unreachable', 'timeout', 'no_stream', 'stream_full', 'refused'] as const;
export type PublishFailure = (typeof PUBLISH_FAILURES)[number];

/** upper bounds of the buckets of how long an accepted command took, in milliseconds; what is longer is in the last one */
export const ACCEPT_MS_BOUNDS = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500] as const;
const ACCEPT_BUCKETS = ACCEPT_MS_BOUNDS.length + 1;

export const BATCHES = 'batches';
export const EVENTS = 'events';
export const SOCKETS_OPENED = 'sockets opened';
export const commandCount = (door: Door, outcome: Outcome): string => `command ${door} ${outcome}`;
export const resumeCount = (outcome: Resume): string => `resume ${outcome}`;
export const failureCount = (reason: PublishFailure): string => `failure ${reason}`;
export const acceptCount = (door: Door, bucket: number): string => `accept ${door} ${bucket}`;
export const acceptSumMs = (door: Door): string => `accept ${door} ms`;

export function acceptBucket(ms: number): number {
  const bucket = ACCEPT_MS_BOUNDS.findIndex((bound) => ms <= bound);
  return bucket === -1 ? ACCEPT_MS_BOUNDS.length : bucket;
}

/** Every name there is. */
export const COUNT_NAMES: ReadonlySet<string> = new Set([
  BATCHES,
  EVENTS,
  SOCKETS_OPENED,
  ...RESUMES.map(resumeCount),
  ...PUBLISH_FAILURES.map(failureCount),
  ...DOORS.flatMap((door) => [
    ...OUTCOMES.map((outcome) => commandCount(door, outcome)),
    ...Array.from({ length: ACCEPT_BUCKETS }, (_none, bucket) => acceptCount(door, bucket)),
    acceptSumMs(door),
  ]),
]);

export type Counts = Readonly<Record<string, number>>;

/** Counts what happened since it was last taken. What is in it when its object is evicted is lost. */
export class Tally {
  #counts: Record<string, number> = {};
  #isEmpty = true;

  add(name: string, count = 1): void {
    this.#counts[name] = (this.#counts[name] ?? 0) + count;
    this.#isEmpty = false;
  }

  /** Adds what another counted; of names that are not ours, nothing. */
  merge(counts: Counts): void {
    for (const [name, count] of Object.entries(counts)) {
      if (COUNT_NAMES.has(name) && Number.isFinite(count) && count > 0) this.add(name, count);
    }
  }

  /** undefined: nothing was counted */
  take(): Counts | undefined {
    if (this.#isEmpty) return undefined;
    const counts = this.#counts;
    this.#counts = {};
    this.#isEmpty = true;
    return counts;
  }

  get counts(): Counts {
    return this.#counts;
  }
}
