import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { AdminLogLine } from '../../../../shared/contract/admin.ts';
import { PAUSE_MS_MAX, type RebuildProgressAnswer } from '../../../../shared/contract/system.ts';
import { ConsumerDesk, type ConsumerDeskPorts } from '../../../../consumers/admin/consumer-desk.ts';
import { CONSUMERS as ALL_CONSUMERS } from '../../../../consumers/durables.ts';
import type { ProcessReport } from '../../../../consumers/pulse/report.ts';
import { COMMANDS_AGE_MS_MAX } from '../../../../consumers/runtime/streams.ts';
import { SYSTEM_TIME } from '../../../../consumers/runtime/time.ts';
import { FakeServer } from './fake-manager.ts';

const OPERATOR = { v: 1 as const, tenant: 'default', actor: 'olga', correlationId: 'k' };
const CONSUMERS = [
  { stream: 'EVENTS', name: 'figures', alsoOn: ['RECEIPTS', 'LETTERS'] },
  { stream: 'COMMANDS', name: 'relay', alsoOn: [] },
];

let server: FakeServer;
let lines: Pick<AdminLogLine, 'action' | 'target' | 'details'>[];
let desk: ConsumerDesk;
let reports: ProcessReport[];
let ports: ConsumerDeskPorts;

function report(worker: string, roles: ProcessReport['roles'], rebuilds: RebuildProgressAnswer[] = []): ProcessReport {
  return { v: 1, worker, roles, rebuilds };
}

beforeEach(() => {
  server = new FakeServer();
  lines = [];
  reports = [];
  for (const place of ['EVENTS/figures', 'RECEIPTS/figures', 'LETTERS/figures', 'COMMANDS/relay']) server.add(place);
  ports = {
    manager: server.manager(),
    consumers: CONSUMERS,
    pulse: async () => await Promise.resolve(reports),
    log: { write: async (_operator, deed) => void (await Promise.resolve(lines.push(deed))) },
    time: { ...SYSTEM_TIME, now: () => server.nowMs },
  };
  desk = new ConsumerDesk(ports);
});

describe('a list', () => {
  it('says how far each is, who works on it, and how fast it was since the look before', async () => {
    const durable = server.add('EVENTS/figures', { pending: 7, ackPending: 2, settled: 100, oldestAtMs: server.nowMs - 5_000 });
    reports = [
      report('a', [{ role: 'figures', state: 'running', sinceMs: 1 }]),
      report('b', [{ role: 'figures', state: 'starting', sinceMs: 1 }]),
    ];
    const { items } = await desk.answer();
    expect(items).toEqual([
      { name: 'figures', status: 'up', lag: 7, ackPending: 2, redelivered: 0, oldestAgeMs: 5_000, paused: false, workers: 1 },
      { name: 'relay', status: 'up', lag: 0, ackPending: 0, redelivered: 0, oldestAgeMs: 0, paused: false, workers: 0 },
    ]);
    server.nowMs += 10_000;
    durable.settled = 125;
    expect((await desk.answer()).items[0]).toMatchObject({ ratePerS: 2.5, oldestAgeMs: 15_000 });
  });

  it('one that is gone is down, one that does not answer unknown, and processes that cannot be asked are not counted', async () => {
    vi.useFakeTimers();
    try {
      server.durables.delete('EVENTS/figures');
      server.silent = 'COMMANDS/relay';
      const asked = new ConsumerDesk({ ...ports, pulse: async () => await Promise.reject(new Error('no')) }).answer();
      await vi.advanceTimersByTimeAsync(1_000);
      expect((await asked).items).toEqual([
        { name: 'figures', status: 'down' },
        { name: 'relay', status: 'unknown' },
      ]);
    } finally {
      vi.useRealTimers();
    }
  });

  it('shows the rebuild that runs rather than one that is over, whoever knows of them', async () => {
    const one = { name: 'figures', phase: 'archive' as const, done: 0.5, events: 9, startedAt: '2026-01-01T00:00:00.000Z' };
    const over = { ...one, status: 'failed' as const, startedAt: '2026-01-02T00:00:00.000Z' };
    reports = [report('a', [], [over]), report('b', [], [{ ...one, status: 'running' }])];
    expect((await desk.answer()).items[0]?.rebuild).toMatchObject({ status: 'running', events: 9 });
  });
});

describe('a pause', () => {
  const pause = async (name = 'figures', untilMs?: number) =>
    await desk.pause({ ...OPERATOR, op: 'consumers.pause', name, ...(untilMs === undefined ? {} : { untilMs }) });

  it('takes all durables of the name, and ends by itself in a week', async () => {
    const pausedUntil = new Date(server.nowMs + PAUSE_MS_MAX).toISOString();
    expect(await pause()).toEqual({ name: 'figures', paused: true, pausedUntil });
    expect(server.calls).toEqual(['EVENTS', 'RECEIPTS', 'LETTERS'].map((stream) => `pause ${stream}/figures ${pausedUntil}`));
    expect(lines).toEqual([{ action: 'consumers.pause', target: 'figures', details: { until: pausedUntil } }]);
    expect((await desk.answer()).items[0]).toMatchObject({ paused: true, pausedUntil, status: 'up' });
  });

  it('asked for again stays as it is, without a line; another end is another deed', async () => {
    const first = await pause();
    server.nowMs += 60_000;
    expect(await pause()).toEqual(first);
    expect(lines).toHaveLength(1);
    const untilMs = server.nowMs + 1_000;
    expect((await pause('figures', untilMs)).pausedUntil).toBe(new Date(untilMs).toISOString());
    expect(lines).toHaveLength(2);
    server.nowMs += 1_000;
    expect((await desk.answer()).items[0]).toMatchObject({ paused: false });
  });

  it('asked for in the moment that a rebuild pauses it is one of its own', async () => {
    const durable = server.add('EVENTS/figures', { pausedUntilMs: server.nowMs + 60_000 });
    await pause();
    expect(durable.pausedUntilMs).toBe(server.nowMs + PAUSE_MS_MAX);
    expect(lines).toHaveLength(1);
  });

  it('needs a line of the log first', async () => {
    const mute = new ConsumerDesk({ ...ports, log: { write: async () => await Promise.reject(new Error('full')) } });
    await expect(mute.pause({ ...OPERATOR, op: 'consumers.pause', name: 'relay' })).rejects.toThrow('full');
    expect(server.calls).toEqual([]);
  });

  it('of what its workers have not made yet takes what is there; of one that is gone there is none', async () => {
    server.durables.delete('LETTERS/figures');
    await pause();
    expect(server.calls).toHaveLength(2);
    server.durables.delete('COMMANDS/relay');
    await expect(pause('relay')).rejects.toMatchObject({ refusal: { code: 'unavailable' } });
  });

  it.each([0, -1, PAUSE_MS_MAX + 1])('that would end in %d ms is refused', async (ms) => {
    await expect(pause('figures', server.nowMs + ms)).rejects.toMatchObject({ refusal: { code: 'invalid_request' } });
    expect([server.calls, lines]).toEqual([[], []]);
  });

  it('of what keeps its messages for less time is over sooner', async () => {
    const msMax = 3_600_000 * 24;
    const consumers = [{ stream: 'COMMANDS', name: 'relay', alsoOn: [], pauseMsMax: msMax }];
    const shorter = new ConsumerDesk({ ...ports, consumers });
    const request = { ...OPERATOR, op: 'consumers.pause' as const, name: 'relay' };
    const refused = { refusal: { code: 'invalid_request', detail: 'until must be within the next 1 days.' } };
    await expect(shorter.pause({ ...request, untilMs: server.nowMs + msMax + 1 })).rejects.toMatchObject(refused);
    expect((await shorter.pause(request)).pausedUntil).toBe(new Date(server.nowMs + msMax).toISOString());
  });

  it('of the relay is over before what backends published goes', () => {
    const relay = ALL_CONSUMERS.find(({ name }) => name === 'relay');
    expect(relay?.pauseMsMax).toBeLessThanOrEqual(COMMANDS_AGE_MS_MAX / 2);
  });

  it('is ended once, as often as that is asked', async () => {
    await pause();
    const resume = async () => await desk.resume({ ...OPERATOR, op: 'consumers.resume', name: 'figures' });
    expect(await resume()).toEqual({ name: 'figures', paused: false });
    expect(await resume()).toEqual({ name: 'figures', paused: false });
    expect(lines.map(({ action }) => action)).toEqual(['consumers.pause', 'consumers.resume']);
    expect([...server.durables.values()].map(({ pausedUntilMs }) => pausedUntilMs)).toEqual([0, 0, 0, 0]);
  });

  it('of nobody is refused', async () => {
    await expect(pause('none')).rejects.toMatchObject({ refusal: { code: 'not_found' } });
  });
});
