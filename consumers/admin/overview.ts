import type { JetStreamManager } from '@nats-io/jetstream';
import type { AdminResult } from '../../shared/contract/admin.ts';
import type { BackOverview } from '../../shared/contract/system.ts';
import { DEAD_LETTERS_STREAM, DEAD_LETTERS_SUBJECTS } from '../../shared/contract/subjects.ts';
import type { ProcessReport, RoleReport } from '../pulse/report.ts';
import { within } from '../runtime/backoff.ts';
import { letterCounts, stateOfStream } from '../runtime/stream-state.ts';
import type { ConsumerDesk } from './consumer-desk.ts';
import { newestRebuilds } from './newest-rebuilds.ts';

/** All that operators see at once. Each part is asked for by itself, within a bound: what does not answer is `unknown`, and no more. */

/** of one part; it fits into the time of an answer */
const PART_MS_MAX = 1_000;

export interface OverviewPorts {
  manager: JetStreamManager;
  streams: readonly string[];
  /** every role there is, and those of them that write to a store */
  roles: readonly string[];
  stores: readonly string[];
  desk: ConsumerDesk;
  /** what all processes of the consumers say; rejects when they cannot be asked */
  pulse(): Promise<ProcessReport[]>;
}

type Section<T> = { status: 'ok' | 'unknown'; items: T[] };
type ItemOf<Name extends keyof BackOverview> = BackOverview[Name]['items'][number];

/** Never rejects. */
export async function overviewOf(ports: OverviewPorts): Promise<AdminResult<'overview'>> {
  const { desk, manager, roles, stores, streams } = ports;
  const asked = ports.pulse().catch(() => undefined);
  const [reports, consumers, deadLetters, streamStates] = await Promise.all([
    asked,
    desk.list(asked),
    section(lettersOf(manager)),
    Promise.all(streams.map(async (name) => await streamOf(manager, name))),
  ]);
  const said = reports === undefined ? undefined : reports.flatMap((each) => each.roles);
  return {
    streams: { status: 'ok', items: streamStates },
    consumers: { status: 'ok', items: consumers },
    stores: ofReports(said, (all) => stores.map((name) => storeOf(name, all))),
    roles: ofReports(said, (all) => roles.map((name) => roleOf(name, all))),
    deadLetters,
    rebuilds: ofReports(reports, newestRebuilds),
  };
}

function ofReports<From, T>(from: From | undefined, items: (from: From) => T[]): Section<T> {
  return from === undefined ? { status: 'unknown', items: [] } : { status: 'ok', items: items(from) };
}

async function section<T>(items: Promise<T[]>): Promise<Section<T>> {
  try {
    return { status: 'ok', items: await within(PART_MS_MAX, 'a part of the overview', items) };
  } catch {
    return { status: 'unknown', items: [] };
  }
}

async function streamOf(manager: JetStreamManager, name: string): Promise<ItemOf<'streams'>> {
  try {
    const state = await within(PART_MS_MAX, 'a look at a stream', stateOfStream(manager, name));
    return state === undefined ? { name, status: 'down' } : { name, status: 'up', ...state };
  } catch {
    return { name, status: 'unknown' };
  }
}

/** By the consumer that buried them; those that buried none are left out. */
async function lettersOf(manager: JetStreamManager): Promise<ItemOf<'deadLetters'>[]> {
  const info = await manager.streams.info(DEAD_LETTERS_STREAM, { subjects_filter: DEAD_LETTERS_SUBJECTS });
  return letterCounts(info).map(([consumer, count]) => ({ consumer, count }));
}

/** Up when one of its workers could write to it, since the first of those could. */
function storeOf(name: string, reports: readonly RoleReport[]): ItemOf<'stores'> {
  const seen = reports.flatMap(({ role, store }) => (role === name && store !== undefined ? [store] : []));
  const isUp = seen.some((store) => store.isUp);
  const since = Math.min(...seen.filter((store) => store.isUp === isUp).map(({ sinceMs }) => sinceMs));
  if (seen.length === 0) return { name, status: 'unknown' };
  return { name, status: isUp ? 'up' : 'down', since: new Date(since).toISOString() };
}

function roleOf(name: string, reports: readonly RoleReport[]): ItemOf<'roles'> {
  const workers = reports.filter(({ role }) => role === name);
  const starting = workers.filter(({ state }) => state === 'starting').length;
  return { name, status: workers.length > starting ? 'up' : 'down', workers: workers.length, starting };
}
