import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Chance } from '../../../bench/import/chance.ts';
import { importedEvents } from '../../../bench/import/events.ts';
import { memoryUse } from '../../../bench/import/memory.ts';
import { whereTimeGoes, type CpuProfile } from '../../../bench/import/profile.ts';
import { importTable, whereLines } from '../../../bench/import/report.ts';
import type { ImportResult } from '../../../bench/import/run.ts';
import { openSqliteWriter } from '../../../bench/import/sqlite-writers.ts';
import { numbersOf } from '../../../bench/import/writer-job.ts';
import { SEARCHED_TYPES } from '../../../consumers/projections/search.ts';
import { parseEvent } from '../../../shared/contract/event-schema.ts';

const EVENTS = 4_000;

describe('the events of an import', () => {
  const events = [...importedEvents(EVENTS)];

  it('are the same for the same seed, and others for another', () => {
    expect([...importedEvents(50)]).toEqual(events.slice(0, 50));
    expect([...importedEvents(50, 1)]).not.toEqual(events.slice(0, 50));
  });

  it('are events of the contract, each id once, each session gap-free from its creation', () => {
    const heads = new Map<string, number>();
    for (const event of events) {
      expect(parseEvent(event)).toMatchObject({ ok: true });
      const head = heads.get(event.sessionid) ?? 0;
      expect(event.seq).toBe(head + 1);
      if (head === 0) expect(event.type).toBe('session.created');
      heads.set(event.sessionid, event.seq);
    }
    expect(new Set(events.map(({ id }) => id)).size).toBe(EVENTS);
    expect(heads.size).toBeGreaterThan(100);
  });

  it('have every type that an import makes, and messages most', () => {
    const types = new Map<string, number>();
    for (const { type } of events) types.set(type, (types.get(type) ?? 0) + 1);
    for (const type of ['session.created', 'member.added', 'message.updated', 'message.deleted', 'reaction.added']) {
      expect(types.get(type)).toBeGreaterThan(0);
    }
    expect(types.get('message.created')).toBeGreaterThan(EVENTS / 2);
  });
});

it('draws numbers within their bounds, half of a log-normal below its median', () => {
  const chance = new Chance(7);
  const drawn = Array.from({ length: 2_000 }, () => chance.logNormal(10, 1));
  const below = drawn.filter((value) => value < 10).length;
  expect(below).toBeGreaterThan(900);
  expect(below).toBeLessThan(1_100);
  for (let index = 0; index < 1_000; index += 1) expect([0, 1, 2]).toContain(chance.below(3));
  expect(() => chance.of([])).toThrow(RangeError);
});

describe('the driver alone', () => {
  let directory = '';
  afterEach(async () => await rm(directory, { recursive: true, force: true }));

  it.each(['history', 'search', 'analytics'])('writes for %s what its events ask for, and nothing twice', async (role) => {
    directory = await mkdtemp(join(tmpdir(), 'millrace-driver-'));
    const events = [...importedEvents(500)];
    const writer = await openSqliteWriter(role, directory, 1);
    const { taken, writes } = numbersOf(writer, events);
    await writer.write(writes, 64);
    await writer.write(writes.slice(0, 0), 64);
    const searched = events.filter(({ type }) => SEARCHED_TYPES.some((each) => each === type));
    expect(taken).toBe(role === 'search' ? searched.length : events.length);
    const documents = new Set(searched.map(({ subject }) => subject)).size;
    expect(await writer.count()).toBe(role === 'search' ? documents : events.length);
    await writer.close();
  });
});

it('compares memory once a process is warm with that at the end', () => {
  const samples = [10, 20, 30, 40, 50, 60, 70, 90, 80, 85].map((bytes, index) => ({ done: index / 9, bytes }));
  expect(memoryUse(samples)).toEqual({ firstBytes: 35, lastBytes: 82.5, peakBytes: 90, samples: 10 });
  expect(memoryUse(samples.slice(0, 5))).toBeUndefined();
});

describe('a profile', () => {
  const frame = (id: number, functionName: string, url: string) => ({ id, callFrame: { functionName, url, lineNumber: 1 } });
  const profile: CpuProfile = {
    nodes: [
      frame(1, '(idle)', ''),
      frame(2, 'write', 'file:///somewhere/consumers/stores/a.ts'),
      frame(3, 'parse', 'file:///somewhere/node_modules/@nats-io/nats-core/lib/parser.js'),
      frame(4, '', 'file:///somewhere/node_modules/zod/v4/core.js'),
      frame(5, 'other', 'file:///somewhere/consumers/stores/a.ts'),
    ],
    samples: [1, 2, 3, 4, 5],
    timeDeltas: [999, 100, 400, 300, 150],
  };

  it('tells self time by file or package, and by function', () => {
    const { parts, functions } = whereTimeGoes({ ...profile, timeDeltas: [...profile.timeDeltas, 50] });
    expect(parts.map(({ name, share }) => [name, Math.round(share * 100)])).toEqual([
      ['consumers/stores/a.ts', 45],
      ['@nats-io/nats-core', 30],
      ['zod', 15],
      ['(idle)', 10],
    ]);
    expect(functions[0]).toEqual({ name: 'write in consumers/stores/a.ts', share: 0.4 });
    expect(functions.map(({ name }) => name)).toContain('(anonymous) in zod');
  });

  it('of nothing has nothing', () => {
    expect(whereTimeGoes({ nodes: [], samples: [], timeDeltas: [] })).toEqual({ parts: [], functions: [] });
  });
});

it('prints a line per target with ratio, target, memory and load', () => {
  const rate = { inFlight: 1_024, eventsPerS: 10_000, writesPerEvent: 2 };
  const memory = { firstBytes: 100 * 1024 ** 2, lastBytes: 101 * 1024 ** 2, peakBytes: 0, samples: 9 };
  const result: ImportResult = {
    target: 'search-opensearch',
    consumed: { events: 10, ms: 1, eventsPerS: 7_900, cpuUs: 42, memory, redelivered: 0 },
    stored: 10,
    probes: [rate],
    driver: rate,
    ratio: 0.79,
    streamEventsPerS: 20_000,
    isMet: false,
    deadLetters: 0,
    load: 2.25,
  };
  const [head, line] = importTable({ events: 10, payloadBytes: 10, results: [result] }).split('\n');
  expect(head).toMatch(/events\/s +driver\/s +in flight +ratio +≥ 0\.8/);
  expect(line).toMatch(/^search, OpenSearch +7,900 +10,000 +1,024 +0\.79 +missed +20,000 +100 → 101 +42 +2\.3$/);
  const where = whereLines('search-opensearch', { parts: [{ name: 'zod', share: 0.123 }], functions: [] });
  expect(where.join('\n')).toContain('12.3 %  zod');
});
