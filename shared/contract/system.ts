import { z } from 'zod';
import { rfc3339 } from './fields.ts';

/** What operators are shown of the whole system, and may do to its consumers (contract §8). */

/**
 * Whose admins see and steer what belongs to all tenants: figures, pauses, rebuilds. Letters that name no tenant are theirs too. An
 * admin of another tenant sees what is of that tenant alone.
 */
export const OPERATORS_TENANT = 'default';

const DAY_MS = 24 * 3_600_000;
/** a pause ends by itself: at so much lag somebody is alerted, and what nobody took for 30 days the stream drops */
export const PAUSE_MS_MAX = 7 * DAY_MS;

const time = z.iso.datetime().describe('RFC 3339, UTC, milliseconds');
const amount = z.int().min(0);
const share = z.number().min(0).max(1);

/** The body of POST /v1/admin/consumers/{name}/pause. */
export const pauseBody = z.strictObject({
  until: rfc3339
    .optional()
    .meta({ format: 'date-time', description: 'in the next 7 days (relay: 3), which is also when it ends if left out' }),
});

/**
 * - `up`: it answered just now, or it is there
 * - `down`: it did not, or it is not
 * - `unknown`: nobody could say
 */
export const partStatus = z.enum(['up', 'down', 'unknown']);
export type PartStatus = z.infer<typeof partStatus>;

export const REBUILD_STATUSES = ['running', 'completed', 'failed', 'cancelled'] as const;

export const rebuildProgress = z.object({
  name: z.string(),
  status: z.enum(REBUILD_STATUSES),
  phase: z.enum(['starting', 'letters', 'archive', 'stream', 'swap', 'clear']).describe('what it is at, or was at last'),
  done: share.describe('of the phase'),
  events: amount.describe('given to the read model so far'),
  startedAt: time,
  endedAt: time.exactOptional(),
  detail: z.string().exactOptional().describe('why it is neither running nor completed'),
});
export type RebuildProgressAnswer = z.infer<typeof rebuildProgress>;

export const consumerState = z.object({
  name: z.string(),
  status: partStatus.describe('of its durable on the server; `down`: there is none'),
  lag: amount.exactOptional().describe('events that wait to be given to a worker'),
  ackPending: amount.exactOptional().describe('events given to a worker, and not acknowledged'),
  redelivered: amount.exactOptional().describe('of those, given more than once'),
  oldestAgeMs: amount.exactOptional().describe('of what is not acknowledged; 0: all is'),
  ratePerS: z
    .number()
    .min(0)
    .exactOptional()
    .describe('acknowledged per second, over the last minute at most; absent: not known yet'),
  paused: z.boolean().exactOptional(),
  pausedUntil: time.exactOptional(),
  workers: amount.exactOptional().describe('processes that work on it and answered just now'),
  rebuild: rebuildProgress.exactOptional().describe('the one that runs, or the last one that is remembered'),
});
export type ConsumerState = z.infer<typeof consumerState>;

export const consumersPage = z.object({ items: z.array(consumerState) });

export const pauseState = z.object({ name: z.string(), paused: z.boolean(), pausedUntil: time.exactOptional() });

const named = z.object({ name: z.string(), status: partStatus });

/** A part of an overview: with `unknown` nobody answered for it, and its items say nothing. */
const section = <T extends z.ZodType>(item: T) => z.object({ status: z.enum(['ok', 'unknown']), items: z.array(item) });

export const streamState = named.extend({
  messages: amount.exactOptional(),
  bytes: amount.exactOptional(),
  bytesMax: amount.exactOptional().describe('absent: it has no bound'),
});

export const storeState = named.extend({ since: time.exactOptional().describe('when that was first seen') });

export const roleState = named.extend({
  workers: amount.describe('processes that answered just now'),
  starting: amount.describe('of those, still waiting for what they need'),
});

export const letterCount = z.object({ consumer: z.string(), count: amount });

/** What the consumers answer; the edge adds what it sees itself. */
export const backOverview = z.object({
  streams: section(streamState),
  consumers: section(consumerState),
  stores: section(storeState),
  roles: section(roleState),
  deadLetters: section(letterCount),
  rebuilds: section(rebuildProgress),
});
export type BackOverview = z.infer<typeof backOverview>;

export const overview = backOverview.extend({
  at: time,
  status: z.enum(['ok', 'degraded']).describe('`degraded`: something is down or unknown; a pause is not'),
  edge: z.object({ status: partStatus }),
  uplinks: z.array(named).describe('whether each reaches NATS'),
});
export type Overview = z.infer<typeof overview>;
