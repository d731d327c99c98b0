import { JetStreamApiError, type JetStreamManager } from '@nats-io/jetstream';
import { beforeEach, expect, it, vi } from 'vitest';
import { PartsWatch, WORKER_SILENT_MS_MAX } from '../../../../consumers/health/parts.ts';
import type { ProcessReport, RoleReport } from '../../../../consumers/pulse/report.ts';

let nowMs: number;
let reports: () => Promise<ProcessReport[]>;
let streams: string[];
let durables: string[];
let hanging: string;
let watch: PartsWatch;

const ALL = {
  'stream:EVENTS': 'ok',
  'durable:history': 'ok',
  'worker:history': 'ok',
  'worker:query': 'ok',
  'store:history': 'ok',
};

const running = (role: string, more: Partial<RoleReport> = {}): RoleReport => ({ role, state: 'running', sinceMs: 0, ...more });
const up = (isUp: boolean): Pick<RoleReport, 'store'> => ({ store: { isUp, sinceMs: 0 } });
const of = (...roles: RoleReport[]): ProcessReport => ({ v: 1, worker: String(Math.random()), roles, rebuilds: [] });

async function info(there: readonly string[], name: string, code: number): Promise<object> {
  if (name === hanging) return await new Promise(() => undefined);
  if (!there.includes(name)) throw new JetStreamApiError({ code: 404, err_code: code, description: 'not found' });
  return await Promise.resolve({ config: { max_bytes: -1 }, state: { messages: 0, bytes: 0 } });
}

beforeEach(() => {
  nowMs = 1_000;
  hanging = '';
  streams = ['EVENTS'];
  durables = ['history'];
  reports = async () => await Promise.resolve([of(running('history', up(true))), of(running('query'))]);
  const manager = {
    streams: { info: async (name: string) => await info(streams, name, 10059) },
    consumers: { info: async (_stream: string, name: string) => await info(durables, name, 10014) },
  };
  watch = new PartsWatch({
    // what is asked of it here is all that a look needs
    manager: manager as unknown as JetStreamManager,
    streams: ['EVENTS'],
    durables: [{ stream: 'EVENTS', name: 'history', alsoOn: [] }],
    workers: ['history', 'query'],
    stores: ['history'],
    pulse: async () => await reports(),
    now: () => nowMs,
  });
});

it('names all of them', async () => {
  expect(await watch.look()).toEqual(ALL);
});

it('a stream or a durable that is not there, or does not answer, is not ready', async () => {
  streams = [];
  durables = [];
  expect(await watch.look()).toEqual({ ...ALL, 'stream:EVENTS': 'unavailable', 'durable:history': 'unavailable' });
  vi.useFakeTimers();
  try {
    hanging = 'EVENTS';
    durables = ['history'];
    const look = watch.look();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await look).toEqual({ ...ALL, 'stream:EVENTS': 'unavailable' });
  } finally {
    vi.useRealTimers();
  }
});

it('a worker that is silent for a while is gone, and nobody can say how its store is', async () => {
  await watch.look();
  reports = async () => await Promise.resolve([of(running('query'))]);
  nowMs += WORKER_SILENT_MS_MAX;
  expect(await watch.look()).toEqual(ALL);
  nowMs += 1;
  expect(await watch.look()).toEqual({ ...ALL, 'worker:history': 'unavailable', 'store:history': 'unavailable' });
});

it('one that is starting is no worker yet; when nobody can be asked there is none', async () => {
  reports = async () =>
    await Promise.resolve([of({ ...running('history'), state: 'starting', ...up(false) }), of(running('query'))]);
  const none = { 'worker:history': 'unavailable', 'store:history': 'unavailable' };
  expect(await watch.look()).toEqual({ ...ALL, ...none });
  nowMs += WORKER_SILENT_MS_MAX + 1;
  reports = async () => await Promise.reject(new Error('no connection'));
  expect(await watch.look()).toEqual({ ...ALL, ...none, 'worker:query': 'unavailable' });
});

it('a store is down when none of its workers could write to it', async () => {
  reports = async () =>
    await Promise.resolve([of(running('history', up(false))), of(running('history', up(true))), of(running('query'))]);
  expect(await watch.look()).toEqual(ALL);
  reports = async () => await Promise.resolve([of(running('history', up(false))), of(running('query'))]);
  expect(await watch.look()).toEqual({ ...ALL, 'store:history': 'unavailable' });
});
