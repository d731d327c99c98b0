import { expect, test } from 'vitest';
import type { StreamSeen } from '../../../../consumers/upkeep/plan.ts';
import type { Log } from '../../../../consumers/runtime/log.ts';
import { StreamUpkeep } from '../../../../consumers/upkeep/upkeep.ts';

class World {
  nowMs = 1_000_000;
  seen: StreamSeen | Error = new Error('away');
  readonly purged: number[] = [];
  readonly logged: { level: string; msg: string; fields: Parameters<Log>[2] }[] = [];
  readonly upkeep = new StreamUpkeep({
    look: async () => {
      if (this.seen instanceof Error) throw await Promise.resolve(this.seen);
      return this.seen;
    },
    purge: async (belowSeq) => await Promise.resolve(this.purged.push(belowSeq)),
    log: (level, msg, fields) => void this.logged.push({ level, msg, fields }),
    now: () => this.nowMs,
  });

  fill(bytes: number, settledTo: number): void {
    const durables = new Map([['history', { name: 'history', settledTo, isAhead: false }]]);
    this.seen = { nowMs: this.nowMs, bytes, maxBytes: 1_000, firstSeq: 1, durables };
  }

  /** turns in 30 s steps, as they come */
  async turns(count: number): Promise<void> {
    for (let turn = 0; turn < count; turn += 1) {
      await this.upkeep.turn();
      this.nowMs += 30_000;
    }
  }

  said(msg: string): number {
    return this.logged.filter((line) => line.msg === msg).length;
  }
}

test('what is settled is purged once every guard has noted it, and told of', async () => {
  const world = new World();
  world.fill(850, 40);
  await world.turns(1);
  world.fill(850, 60);
  await world.turns(2);
  expect(world.purged).toEqual([]);
  await world.turns(1);
  expect(world.purged).toEqual([41]);
  await world.turns(1);
  expect(world.purged).toEqual([41, 61]);
  expect(world.logged[0]).toMatchObject({ level: 'info', fields: { purgeBelow: 41, messages: 1, bytes: 850 } });
});

test('what was settled in a stream that is no more is not purged in the next', async () => {
  const world = new World();
  world.fill(850, 40);
  await world.turns(3);
  world.fill(850, 7);
  await world.turns(1);
  expect(world.purged).toEqual([8]);
});

test('an alert names the figures, once a minute', async () => {
  const world = new World();
  world.fill(950, 0);
  await world.turns(10);
  expect(world.purged).toEqual([]);
  expect(world.said('the stream of events is nearly full')).toBe(5);
  expect(world.said('the stream fills and cannot be purged')).toBe(5);
  expect(world.logged.find(({ level }) => level === 'error')?.fields).toEqual({
    bytes: 950,
    maxBytes: 1_000,
    firstSeq: 1,
    percent: 95,
    settled: ['history 0'],
  });
});

test('a server that is away is waited for, and that is said once a minute and after it was back', async () => {
  const world = new World();
  await world.turns(4);
  expect(world.said('cannot look after the stream')).toBe(2);
  world.fill(100, 0);
  await world.turns(1);
  world.seen = new Error('away again');
  await world.turns(1);
  expect(world.said('cannot look after the stream')).toBe(3);
});
