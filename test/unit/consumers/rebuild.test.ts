import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rowsOf } from '../../../consumers/projections/history.ts';
import { FeedStopped } from '../../../consumers/runtime/archive-feed.ts';
import type { Generations } from '../../../consumers/runtime/generations.ts';
import type { Incoming } from '../../../consumers/runtime/incoming.ts';
import type { Outcome, Projection } from '../../../consumers/runtime/projection.ts';
import type { LetterSource } from '../../../consumers/runtime/letters.ts';
import { CLAIM_MS, rebuild, type RebuildPorts, type RebuildProgress } from '../../../consumers/runtime/rebuild.ts';
import type { HistoryStore } from '../../../consumers/stores/history/port.ts';
import { openSqliteHistory } from '../../../consumers/stores/history/sqlite.ts';
import { anEvent } from '../../contracts/events.ts';
import { fasterTime } from '../../system/shelf.ts';
import { messageOf } from './fakes.ts';

const BOUNDS = { pullEventsMax: 100, workingEveryMs: 60_000, ensureEveryMs: 60_000, drainMsMax: 5_000 };

let directory: string;
let store: HistoryStore;
/** what was done, in order */
let deeds: string[];
let ports: RebuildPorts;
/** messages of the rebuild's durable that are not pulled yet */
let waiting: Incoming[];
let floorSeq: number;
let servedTo: number;
let outcomeOf: (sessionId: string) => Outcome;

const generations: Generations = {
  list: async () => await Promise.resolve({ current: 3, others: [1] }),
  make: async (n) => {
    deeds.push(`make ${n}`);
    return await Promise.resolve({ projection: projection(`copy ${n}`), close: async () => await Promise.resolve() });
  },
  swap: async (n) => void (await Promise.resolve(deeds.push(`swap ${n}`))),
  drop: async (n) => void (await Promise.resolve(deeds.push(`drop ${n}`))),
  close: async () => await Promise.resolve(),
};

function projection(copy: string): Projection {
  return {
    name: 'shelf',
    types: ['message.created'],
    async handle(batch) {
      deeds.push(...batch.map(({ event }) => `${copy}: ${event.sessionid}`));
      return await Promise.resolve(batch.map(({ event }) => outcomeOf(event.sessionid)));
    },
    healthy: async () => await Promise.resolve(true),
  };
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'millrace-rebuild-'));
  store = openSqliteHistory({ path: join(directory, 'history.db'), writes: true });
  deeds = [];
  waiting = [];
  floorSeq = 4;
  servedTo = 4;
  outcomeOf = () => ({ kind: 'ok' });
  const archived = anEvent('message.created', { seq: 1, sessionId: 'archived' });
  await store.write(rowsOf(archived, { publishedAtMs: 1, persistedAtMs: 2 }));
  const own = (durable: string): boolean => durable === 'shelf-rebuild';
  ports = {
    name: 'shelf',
    generations,
    openInPlace: async () =>
      await Promise.resolve({ projection: projection('in place'), close: async () => await Promise.resolve() }),
    archive: store,
    letters: { next: async () => await Promise.resolve(undefined) },
    deadLetters: { store: async ({ incoming }) => void (await Promise.resolve(deeds.push(`letter ${incoming.storedId}`))) },
    lane: {
      stream: async () => await Promise.resolve('one'),
      open: async (durable) => void (await Promise.resolve(deeds.push(`open ${durable}`))),
      alive: async () => await Promise.resolve(),
      place: async (durable) =>
        await Promise.resolve(
          own(durable)
            ? { floorSeq, deliveredSeq: floorSeq, left: waiting.length }
            : { floorSeq: servedTo, deliveredSeq: servedTo, left: 0 },
        ),
      pause: async (durable) => void (await Promise.resolve(deeds.push(`pause ${durable}`))),
      resume: async (durable) => void (await Promise.resolve(deeds.push(`resume ${durable}`))),
      close: async (durable) => void (await Promise.resolve(deeds.push(`close ${durable}`))),
    },
    source: () => ({
      async pull(eventsMax, take) {
        const pulled = waiting.slice(0, eventsMax);
        for (const incoming of pulled) take(incoming);
        await new Promise((resolve) => setTimeout(resolve, 5));
      },
      stop() {},
    }),
    bounds: BOUNDS,
    workerId: 'me',
    log: () => {},
    time: fasterTime(1_000),
    report: () => {},
    signal: new AbortController().signal,
  };
});
afterEach(async () => {
  await store.close();
  await rm(directory, { recursive: true, force: true });
});

/** A message of the stream; read, it is no longer waiting. */
function streamed(sessionId: string, seq: number): void {
  const incoming = messageOf(anEvent('message.created', { seq: 1, sessionId }), {
    streamSeq: seq,
    storedId: `${seq}.1`,
    ack: async () => {
      waiting = waiting.filter((each) => each !== incoming);
      floorSeq = Math.max(floorSeq, seq);
      return await Promise.resolve(true);
    },
    terminate: () => {
      waiting = waiting.filter((each) => each !== incoming);
      floorSeq = Math.max(floorSeq, seq);
    },
  });
  waiting.push(incoming);
}

describe('a rebuild', () => {
  it('clears what is left over, makes its durable before it reads the archive, and swaps at the same sequence', async () => {
    streamed('streamed', 5);
    servedTo = 5;
    const seen: RebuildProgress[] = [];
    expect(await rebuild({ ...ports, report: (progress) => seen.push(progress) })).toBe(1);
    expect(deeds).toEqual([
      'drop 1',
      'make 4',
      'open shelf-rebuild',
      'copy 4: archived',
      expect.stringMatching(/copy 4: streamed|pause shelf/),
      expect.stringMatching(/copy 4: streamed|pause shelf/),
      'swap 4',
      'resume shelf',
      'close shelf-rebuild',
      'drop 3',
    ]);
    expect([...new Set(seen.map(({ phase }) => phase))]).toEqual(['letters', 'archive', 'stream', 'swap', 'clear']);
  });

  it('has what the history had buried, though it was redriven while the archive was read', async () => {
    const { data, subject } = messageOf(anEvent('message.created', { seq: 1, sessionId: 'buried' }));
    const letter = { position: 1, atMs: 1, headers: [['Millrace-Subject', subject]] as const, data };
    // it is in the archive then, where the scan has been already
    const isThere = (): boolean => !deeds.includes('copy 4: archived');
    const next: LetterSource['next'] = async (consumer, from) =>
      await Promise.resolve(consumer === 'history' && from <= 1 && isThere() ? letter : undefined);
    expect(await rebuild({ ...ports, letters: { next } })).toBe(2);
    expect(deeds).toContain('copy 4: buried');
  });

  it('P1 does not swap while its letters are not taken: they would be lost with it', async () => {
    outcomeOf = () => ({ kind: 'poison', reason: 'no', detail: 'never' });
    const away = async (): Promise<void> => await Promise.reject(new Error('away'));
    await expect(rebuild({ ...ports, deadLetters: { store: away } })).rejects.toThrow('away');
    expect(deeds).not.toContain('swap 4');
    expect(deeds.slice(-3)).toEqual(['resume shelf', 'close shelf-rebuild', 'drop 4']);
  });

  it('sends the letters of what it could not take just before it serves', async () => {
    outcomeOf = (sessionId) => (sessionId === 'archived' ? { kind: 'poison', reason: 'no', detail: 'never' } : { kind: 'ok' });
    await rebuild(ports);
    expect(deeds.indexOf('letter archive.event-archived-1')).toBe(deeds.indexOf('swap 4') - 1);
  });

  it('that is given up says nothing of that, and leaves nothing', async () => {
    outcomeOf = () => ({ kind: 'poison', reason: 'no', detail: 'never' });
    const ending = new AbortController();
    const report = ({ phase }: RebuildProgress): void => {
      if (phase === 'archive') ending.abort();
    };
    await expect(rebuild({ ...ports, signal: ending.signal, report })).rejects.toBeInstanceOf(FeedStopped);
    expect(deeds.slice(-2)).toEqual(['close shelf-rebuild', 'drop 4']);
    expect(deeds.filter((deed) => /letter|swap|pause/.test(deed))).toEqual([]);
    // and the next may begin
    outcomeOf = () => ({ kind: 'ok' });
    expect(await rebuild({ ...ports, workerId: 'another' })).toBe(1);
  });

  it('does not swap what never comes to where the one that serves is', async () => {
    servedTo = 9;
    const stuck: RebuildPorts['source'] = () => ({
      pull: async () => await new Promise((resolve) => setTimeout(resolve, 5)),
      stop() {},
    });
    streamed('streamed', 5);
    await expect(rebuild({ ...ports, source: stuck })).rejects.toThrow('did not come to where');
    expect(deeds.filter((deed) => deed === 'pause shelf')).toHaveLength(10);
    expect(deeds.filter((deed) => deed === 'resume shelf')).toHaveLength(10);
    expect(deeds.slice(-2)).toEqual(['close shelf-rebuild', 'drop 4']);
  });

  it('does not swap when the stream was lost meanwhile, for what a guard gave back the other copy has', async () => {
    let looks = 0;
    const stream = async (): Promise<string> => await Promise.resolve(`stream ${(looks += 1)}`);
    await expect(rebuild({ ...ports, lane: { ...ports.lane, stream } })).rejects.toThrow('begin again');
    expect(deeds).not.toContain('swap 4');
    expect(deeds.slice(-3)).toEqual(['resume shelf', 'close shelf-rebuild', 'drop 4']);
  });

  it('is one at a time, and another may begin when one is silent', async () => {
    await store.writeNote('rebuild:shelf', JSON.stringify({ by: 'another', untilMs: Date.now() + 600_000 }));
    await expect(rebuild({ ...ports, time: fasterTime(1) })).rejects.toThrow('already');
    await store.writeNote('rebuild:shelf', JSON.stringify({ by: 'another', untilMs: ports.time.now() - 1 }));
    expect(await rebuild(ports)).toBe(1);
  });

  it('claims two minutes at a time, so that another need not wait long for one that was killed', async () => {
    const left: number[] = [];
    const make = async (n: number) => {
      const { by, untilMs } = JSON.parse((await store.readNote('rebuild:shelf')) ?? '{}') as { by: string; untilMs: number };
      expect(by).toBe('me');
      left.push(untilMs - ports.time.now());
      return await generations.make(n);
    };
    expect(await rebuild({ ...ports, generations: { ...generations, make } })).toBe(1);
    expect(left).toHaveLength(1);
    expect(left[0]).toBeLessThanOrEqual(CLAIM_MS);
    expect(CLAIM_MS).toBeLessThanOrEqual(120_000);
  });

  it('does not swap when another was taken for the one at it', async () => {
    const pause = async (): Promise<void> => {
      await store.writeNote('rebuild:shelf', JSON.stringify({ by: 'another', untilMs: ports.time.now() + 3_600_000 }));
    };
    await expect(rebuild({ ...ports, lane: { ...ports.lane, pause } })).rejects.toThrow('took over');
    expect(deeds).not.toContain('swap 4');
    expect(deeds.slice(-2)).toEqual(['close shelf-rebuild', 'drop 4']);
    // and the other one's claim stands
    expect(await store.readNote('rebuild:shelf')).toContain('another');
  });

  it('without generations gives every event in place', async () => {
    const { generations: _none, ...rest } = ports;
    expect(await rebuild(rest)).toBe(1);
    expect(deeds).toEqual(['in place: archived']);
  });

  it('names archive rows that cannot be read, and goes on without them', async () => {
    const lines: unknown[] = [];
    ports.log = (level, msg, fields) => lines.push({ level, msg, ...fields });
    const key = { tenant: 'default', sessionId: 'spoilt', seq: 7 };
    const cells = { envelope: '{"seq":', data: '{}', publishedAt: 1, persistedAt: 2 };
    await store.write([{ kind: 'row', table: 'events', key, cells, clock: 1n }]);
    expect(await rebuild(ports)).toBe(1);
    expect(deeds).toContain('copy 4: archived');
    expect(deeds).toContain('swap 4');
    expect(lines).toContainEqual({
      level: 'error',
      msg: 'an archive row cannot be read, and is left out',
      consumer: 'shelf',
      ...key,
    });
    expect(lines).toContainEqual({
      level: 'error',
      msg: 'the rebuild is without what could not be read',
      consumer: 'shelf',
      rows: 1,
    });
  });

  it.each([
    [undefined, [100, 100, 51]],
    [200, [200, 51]],
    [5_000, [251]],
  ])('gives batches as large as the projection takes them: %s', async (batchEventsMax, sizes) => {
    const given: number[] = [];
    const own: Projection = {
      ...projection('in place'),
      ...(batchEventsMax === undefined ? {} : { batchEventsMax }),
      handle: async (batch) => {
        given.push(batch.length);
        return await Promise.resolve(batch.map(() => ({ kind: 'ok' })));
      },
    };
    const events = Array.from({ length: 250 }, (_none, index) =>
      anEvent('message.created', { seq: index + 1, sessionId: 'large' }),
    );
    await store.write(events.flatMap((event) => rowsOf(event, { publishedAtMs: 1, persistedAtMs: 2 })));
    const { generations: _none, ...rest } = ports;
    const openInPlace = async () => await Promise.resolve({ projection: own, close: async () => await Promise.resolve() });
    expect(await rebuild({ ...rest, openInPlace })).toBe(251);
    expect(given).toEqual(sizes);
  });
});
