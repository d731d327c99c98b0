import type { Usage } from './usage.ts';

/**
 * What Cloudflare asks on the Workers Paid plan, in US dollars, beyond what the plan includes. The one table of prices: whoever
 * has others changes them here, and docs/cost.md with them (a test compares the two).
 */
export const PRICES = {
  /** as read on this day */
  date: '2026-11-28',
  source: 'https://developers.cloudflare.com/durable-objects/platform/pricing/ and …/workers/platform/pricing/',
  planPerMonth: 5,
  workerRequestsPerMillion: 0.3,
  objectRequestsPerMillion: 0.15,
  /** so many messages of sockets to an object are billed as one request */
  socketMessagesPerRequest: 20,
  rowsWrittenPerMillion: 1,
  gigabyteSecondsPerMillion: 12.5,
  storedGigabytesPerMonth: 0.2,
} as const;

export const INCLUDED_PER_MONTH = {
  workerRequests: 10_000_000,
  objectRequests: 1_000_000,
  rowsWritten: 50_000_000,
  gigabyteSeconds: 400_000,
  storedGigabytes: 5,
} as const;

/** an object that is awake is billed for so much memory, whatever it uses */
export const OBJECT_GIGABYTES = 0.128;
const MILLION = 1_000_000;

/** Dollars for one unit of this usage, with nothing included. */
export function priceOf(
  usage: Pick<Usage, 'workerRequests' | 'objectRequests' | 'socketMessages' | 'rowsWritten' | 'activeMs'>,
): {
  requests: number;
  rows: number;
  duration: number;
  total: number;
} {
  const billed = usage.objectRequests + usage.socketMessages / PRICES.socketMessagesPerRequest;
  const requests = (usage.workerRequests * PRICES.workerRequestsPerMillion + billed * PRICES.objectRequestsPerMillion) / MILLION;
  const rows = (usage.rowsWritten * PRICES.rowsWrittenPerMillion) / MILLION;
  const duration = ((usage.activeMs / 1_000) * OBJECT_GIGABYTES * PRICES.gigabyteSecondsPerMillion) / MILLION;
  return { requests, rows, duration, total: requests + rows + duration };
}
