import { beforeEach, describe, expect, it } from 'vitest';
import { jetStreamLane, type RebuildLane } from '../../../consumers/runtime/rebuild-lane.ts';
import { EVENTS_STREAM } from '../../../shared/contract/subjects.ts';
import { FakeServer, type FakeDurable } from './admin/fake-manager.ts';

const MINUTE_MS = 60_000;

let server: FakeServer;
let durable: FakeDurable;
let lane: RebuildLane;

beforeEach(() => {
  server = new FakeServer();
  durable = server.add(`${EVENTS_STREAM}/search`);
  lane = jetStreamLane(server.manager(), () => undefined);
});

const inMinutes = (count: number): number => server.nowMs + count * MINUTE_MS;

describe('the pause of a rebuild', () => {
  it('begins and ends', async () => {
    await lane.pause('search', inMinutes(1));
    expect(durable.pausedUntilMs).toBe(inMinutes(1));
    await lane.resume('search');
    expect(durable.pausedUntilMs).toBe(0);
    await lane.resume('search');
    expect(server.calls).toHaveLength(2);
  });

  it('leaves one of an operator that lasts longer, whenever that was made', async () => {
    durable.pausedUntilMs = inMinutes(60);
    await lane.pause('search', inMinutes(1));
    await lane.resume('search');
    expect([durable.pausedUntilMs, server.calls]).toEqual([inMinutes(60), []]);

    durable.pausedUntilMs = 0;
    await lane.pause('search', inMinutes(1));
    durable.pausedUntilMs = inMinutes(30);
    await lane.resume('search');
    expect(durable.pausedUntilMs).toBe(inMinutes(30));
  });

  it('puts one of an operator back that was to end earlier, also after several tries', async () => {
    durable.pausedUntilMs = server.nowMs + 1_000;
    await lane.pause('search', inMinutes(1));
    await lane.pause('search', inMinutes(2));
    expect(durable.pausedUntilMs).toBe(inMinutes(2));
    await lane.resume('search');
    expect(durable.pausedUntilMs).toBe(server.nowMs + 1_000);
  });

  it('that an operator ended stays ended', async () => {
    await lane.pause('search', inMinutes(1));
    durable.pausedUntilMs = 0;
    await lane.resume('search');
    expect(server.calls).toHaveLength(1);
  });
});
