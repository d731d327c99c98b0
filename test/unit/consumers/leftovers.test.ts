import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dropLeftovers } from '../../../consumers/runtime/leftovers.ts';
import type { ClaimPorts } from '../../../consumers/runtime/rebuild.ts';
import type { HistoryStore } from '../../../consumers/stores/history/port.ts';
import { openSqliteHistory } from '../../../consumers/stores/history/sqlite.ts';
import type { SearchGenerations } from '../../../consumers/stores/search/port.ts';
import { openSqliteGenerations, openSqliteSearch } from '../../../consumers/stores/search/sqlite.ts';
import { fasterTime } from '../../system/shelf.ts';

let directory: string;
let archive: HistoryStore;
let generations: SearchGenerations;
let ports: ClaimPorts;
let isLaneLeft: boolean;
beforeEach(async () => {
  isLaneLeft = false;
  directory = await mkdtemp(join(tmpdir(), 'millrace-leftovers-'));
  archive = openSqliteHistory({ path: join(directory, 'history.db'), writes: true });
  const path = join(directory, 'search.db');
  await openSqliteSearch({ path, writes: true, mayMake: true }).close();
  generations = openSqliteGenerations(path);
  const { signal } = new AbortController();
  ports = { name: 'search', archive, workerId: 'me', log: () => {}, time: fasterTime(1_000), signal };
});
afterEach(async () => {
  await generations.close();
  await archive.close();
  await rm(directory, { recursive: true, force: true });
});

const drop = async (serves = true): Promise<number> => {
  const adapted = {
    ...generations,
    make: async () => await Promise.reject(new Error('nothing is made here')),
  };
  const lane = {
    isThere: async () => await Promise.resolve(isLaneLeft),
    close: async () => void (await Promise.resolve((isLaneLeft = false))),
  };
  return await dropLeftovers(adapted, lane, async () => await Promise.resolve(serves), ports);
};

describe('what a killed rebuild left behind', () => {
  it('goes, and the one that serves stays', async () => {
    await (await generations.make(2)).close();
    await (await generations.make(3)).close();
    expect(await drop()).toBe(2);
    expect(await generations.list()).toEqual({ current: 1, others: [] });
    expect(await drop()).toBe(0);
    // and the next rebuild may begin
    expect(JSON.parse((await archive.readNote('rebuild:search')) ?? '')).toMatchObject({ untilMs: 0 });
  });

  it('is not touched where the read model does not serve: it may be what it served with', async () => {
    await (await generations.make(2)).close();
    expect(await drop(false)).toBe(0);
    expect(await generations.list()).toEqual({ current: 1, others: [2] });
  });

  it('is not touched while a rebuild goes on: it may be its own', async () => {
    await (await generations.make(2)).close();
    const untilMs = ports.time.now() + 3_600_000;
    await archive.writeNote('rebuild:search', JSON.stringify({ by: 'another', untilMs }));
    expect(await drop()).toBe(0);
    expect(await generations.list()).toEqual({ current: 1, others: [2] });
    await archive.writeNote('rebuild:search', JSON.stringify({ by: 'another', untilMs: 1 }));
    expect(await drop()).toBe(1);
  });

  it('is a durable too, which goes also without a copy, and not while a rebuild goes on', async () => {
    isLaneLeft = true;
    const untilMs = ports.time.now() + 3_600_000;
    await archive.writeNote('rebuild:search', JSON.stringify({ by: 'another', untilMs }));
    expect(await drop()).toBe(0);
    expect(isLaneLeft).toBe(true);
    await archive.writeNote('rebuild:search', JSON.stringify({ by: 'another', untilMs: 1 }));
    expect(await drop()).toBe(0);
    expect(isLaneLeft).toBe(false);
  });
});
