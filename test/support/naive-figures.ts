import { join } from 'node:path';
import { jetstream } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { openSqliteHistory } from '../../consumers/stores/history/sqlite.ts';
import type { AnalyticsPoint } from '../../shared/contract/analytics.ts';
import { RECEIPTS_STREAM } from '../../shared/contract/subjects.ts';
import type { Event } from '../../shared/core/types.ts';
import { percentilesOf } from './percentiles.ts';

/** Figures per minute, counted in the most naive form from the archive and from the stream of receipts. */

export const MINUTE_MS = 60_000;

/** Every event that the embedded history has archived, read from its file. */
export async function archivedEvents(dataDir: string): Promise<Event[]> {
  const store = openSqliteHistory({ path: join(dataDir, 'history.db'), writes: false });
  try {
    const all: Event[] = [];
    for await (const { events } of store.scanEvents()) all.push(...events.map(({ event }) => event));
    return all;
  } finally {
    await store.close();
  }
}

export interface Measured {
  atMs: number;
  publishedMs: number;
  persistedMs: number;
}

interface Told {
  sessionId: string;
  seqs: [number, number][];
  publishedAt: string;
  persistedAt: string;
}

/** The events that MILLRACE_RECEIPTS speaks of, each with the earliest times that it says. */
export async function receipted(nats: string, events: readonly Event[]): Promise<Measured[]> {
  const earliest = new Map<string, { published: number; persisted: number }>();
  for (const { sessionId, seqs, publishedAt, persistedAt } of await told(nats)) {
    for (const [from, to] of seqs) {
      for (let seq = from; seq <= to; seq += 1) {
        const before = earliest.get(`${sessionId} ${seq}`);
        earliest.set(`${sessionId} ${seq}`, {
          published: Math.min(before?.published ?? Infinity, Date.parse(publishedAt)),
          persisted: Math.min(before?.persisted ?? Infinity, Date.parse(persistedAt)),
        });
      }
    }
  }
  return events.flatMap(({ sessionid, seq, time }) => {
    const times = earliest.get(`${sessionid} ${seq}`);
    if (times === undefined) return [];
    const atMs = Date.parse(time);
    return { atMs, publishedMs: Math.max(0, times.published - atMs), persistedMs: Math.max(0, times.persisted - atMs) };
  });
}

async function told(nats: string): Promise<Told[]> {
  const connection = await connect({ servers: nats });
  try {
    const consumer = await jetstream(connection).consumers.get(RECEIPTS_STREAM);
    const waiting = (await consumer.info()).num_pending;
    if (waiting === 0) return [];
    const found: Told[] = [];
    for await (const message of await consumer.fetch({ max_messages: waiting, expires: 10_000 })) {
      found.push(message.json<Told>());
      if (found.length === waiting) break;
    }
    return found;
  } finally {
    await connection.close();
  }
}

/** The points of each minute in which anything of these happened, and of those between. */
export function naiveFigures(events: readonly Event[], measured: readonly Measured[]) {
  const times = events.map(({ time }) => Date.parse(time));
  const fromMs = Math.floor(Math.min(...times) / MINUTE_MS) * MINUTE_MS;
  const toMs = (Math.floor(Math.max(...times) / MINUTE_MS) + 1) * MINUTE_MS;
  const minutes = Array.from({ length: (toMs - fromMs) / MINUTE_MS }, (_none, index) => fromMs + index * MINUTE_MS);
  const within = (from: number): Event[] =>
    events.filter(({ time }) => Date.parse(time) >= from && Date.parse(time) < from + MINUTE_MS);
  const at = (from: number): string => new Date(from).toISOString();
  const countOf = (from: number, wanted: string): number => within(from).filter(({ type }) => type === wanted).length;
  return {
    fromMs,
    toMs,
    messages: minutes.map((from) => ({ at: at(from), messages: countOf(from, 'message.created') })),
    'active-users': minutes.map((from) => ({ at: at(from), users: new Set(within(from).map(({ actor }) => actor)).size })),
    sessions: minutes.map((from) => {
      const active = new Set(within(from).map(({ sessionid }) => sessionid)).size;
      return { at: at(from), created: countOf(from, 'session.created'), active };
    }),
    latency: minutes.map((from): AnalyticsPoint<'latency'> => {
      const here = measured.filter(({ atMs }) => atMs >= from && atMs < from + MINUTE_MS);
      const [publishedMs, persistedMs] = [
        percentilesOf(here.map((each) => each.publishedMs)),
        percentilesOf(here.map((each) => each.persistedMs)),
      ];
      return { at: at(from), events: here.length, publishedMs, persistedMs };
    }),
  };
}
