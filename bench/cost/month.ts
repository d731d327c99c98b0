import { INCLUDED_PER_MONTH, OBJECT_GIGABYTES, PRICES } from './prices.ts';
import type { Kind } from './run.ts';
import type { Usage } from './usage.ts';

/** What a deployment does in a month. */
export interface Work {
  /** how often each kind of work is done */
  done: Readonly<Partial<Record<Kind, number>>>;
  /** hours in which an Uplink holds its connection to NATS, over all Uplinks */
  uplinkHours: number;
  storedGigabytes: number;
}

/** The worked example of docs/cost.md: 3,000 people, 3 to a session, one month. */
export const EXAMPLE: Work = {
  done: {
    'lone message': 1_500_000,
    'message of a burst': 500_000,
    reaction: 300_000,
    chunk: 20_000_000,
    connection: 400_000,
    'idle hour with sockets': 100_000,
  },
  uplinkHours: 4 * 730,
  storedGigabytes: 12,
};

/** the metered part of a month; what the plan includes is taken off */
export interface Month {
  rowsWritten: number;
  objectRequests: number;
  workerRequests: number;
  gigabyteSeconds: number;
  /** dollars, the plan among them */
  total: number;
}

const MILLION = 1_000_000;

/** The formula of docs/cost.md. */
export function monthOf(work: Work, usageOf: Readonly<Record<Kind, Usage>>): Month {
  const sum = (of: (usage: Usage) => number): number =>
    Object.entries(work.done).reduce((all, [kind, times]) => all + times * of(usageOf[kind as Kind]), 0);
  const rowsWritten = sum((usage) => usage.rowsWritten);
  const objectRequests = sum((usage) => usage.objectRequests + usage.socketMessages / PRICES.socketMessagesPerRequest);
  const workerRequests = sum((usage) => usage.workerRequests);
  const gigabyteSeconds = (sum((usage) => usage.activeMs) / 1_000 + work.uplinkHours * 3_600) * OBJECT_GIGABYTES;
  const beyond = (used: number, included: number): number => Math.max(0, used - included);
  const total =
    PRICES.planPerMonth +
    (beyond(rowsWritten, INCLUDED_PER_MONTH.rowsWritten) / MILLION) * PRICES.rowsWrittenPerMillion +
    (beyond(objectRequests, INCLUDED_PER_MONTH.objectRequests) / MILLION) * PRICES.objectRequestsPerMillion +
    (beyond(workerRequests, INCLUDED_PER_MONTH.workerRequests) / MILLION) * PRICES.workerRequestsPerMillion +
    (beyond(gigabyteSeconds, INCLUDED_PER_MONTH.gigabyteSeconds) / MILLION) * PRICES.gigabyteSecondsPerMillion +
    beyond(work.storedGigabytes, INCLUDED_PER_MONTH.storedGigabytes) * PRICES.storedGigabytesPerMonth;
  return { rowsWritten, objectRequests, workerRequests, gigabyteSeconds, total };
}
