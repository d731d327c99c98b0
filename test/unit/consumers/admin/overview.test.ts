import type { JetStreamManager } from '@nats-io/jetstream';
import { JetStreamApiError } from '@nats-io/jetstream';
import { describe, expect, it } from 'vitest';
import type { ConsumerDesk } from '../../../../consumers/admin/consumer-desk.ts';
import { overviewOf, type OverviewPorts } from '../../../../consumers/admin/overview.ts';
import type { ProcessReport, RoleReport } from '../../../../consumers/pulse/report.ts';

type Info = (name: string) => Promise<object>;

const STREAM_NOT_FOUND = 10059;

function ports(reports: () => Promise<ProcessReport[]>, info: Info): OverviewPorts {
  return {
    // what is asked of them here is all that an overview needs
    manager: { streams: { info } } as unknown as JetStreamManager,
    desk: { list: async () => await Promise.resolve([{ name: 'history', status: 'up' }]) } as unknown as ConsumerDesk,
    streams: ['EVENTS', 'LETTERS'],
    roles: ['history', 'query'],
    stores: ['history', 'search'],
    pulse: reports,
  };
}

const full: Info = async () =>
  await Promise.resolve({
    config: { max_bytes: 100 },
    state: { messages: 3, bytes: 60, subjects: { 'millrace.dead.history': 2, 'millrace.dead.relay': 1 } },
  });
const of = (...roles: RoleReport[]): ProcessReport => ({ v: 1, worker: String(Math.random()), roles, rebuilds: [] });
const role = (state: RoleReport['state'], isUp: boolean, sinceMs: number): RoleReport => ({
  role: 'history',
  state,
  sinceMs: 0,
  store: { isUp, sinceMs },
});

describe('an overview', () => {
  it('has each part', async () => {
    const shown = await overviewOf(ports(async () => await Promise.resolve([of(role('running', true, 5))]), full));
    expect(shown.streams.items).toEqual([
      { name: 'EVENTS', status: 'up', messages: 3, bytes: 60, bytesMax: 100 },
      { name: 'LETTERS', status: 'up', messages: 3, bytes: 60, bytesMax: 100 },
    ]);
    expect(shown.deadLetters.items).toEqual([
      { consumer: 'history', count: 2 },
      { consumer: 'relay', count: 1 },
    ]);
    expect(shown.stores.items).toEqual([
      { name: 'history', status: 'up', since: '1970-01-01T00:00:00.005Z' },
      { name: 'search', status: 'unknown' },
    ]);
    expect(shown.roles.items).toEqual([
      { name: 'history', status: 'up', workers: 1, starting: 0 },
      { name: 'query', status: 'down', workers: 0, starting: 0 },
    ]);
  });

  it.each([
    [
      'up since the first that could write to it',
      [role('running', true, 9), role('running', true, 7), role('running', false, 1)],
      'up',
      7,
    ],
    ['down since the first that could not', [role('starting', false, 4), role('running', false, 3)], 'down', 3],
  ] as const)('a store is %s', async (_what, roles, status, sinceMs) => {
    const shown = await overviewOf(ports(async () => await Promise.resolve(roles.map((each) => of(each))), full));
    expect(shown.stores.items[0]).toEqual({ name: 'history', status, since: new Date(sinceMs).toISOString() });
  });

  it('a role of which all workers wait for something is down', async () => {
    const shown = await overviewOf(ports(async () => await Promise.resolve([of(role('starting', false, 4))]), full));
    expect(shown.roles.items[0]).toEqual({ name: 'history', status: 'down', workers: 1, starting: 1 });
  });

  it('says of each part by itself that nobody knows', async () => {
    const silent = await overviewOf(ports(async () => await Promise.reject(new Error('no')), full));
    for (const part of ['stores', 'roles', 'rebuilds'] as const) expect(silent[part]).toEqual({ status: 'unknown', items: [] });
    expect(silent.consumers.status).toBe('ok');
    const gone: Info = async (name) => {
      if (name === 'EVENTS') {
        throw new JetStreamApiError({ code: 404, err_code: STREAM_NOT_FOUND, description: 'stream not found' });
      }
      return await Promise.reject(new Error('late'));
    };
    const lost = await overviewOf(ports(async () => await Promise.resolve([]), gone));
    expect(lost.streams.items).toEqual([
      { name: 'EVENTS', status: 'down' },
      { name: 'LETTERS', status: 'unknown' },
    ]);
    expect(lost.deadLetters).toEqual({ status: 'unknown', items: [] });
  });
});
