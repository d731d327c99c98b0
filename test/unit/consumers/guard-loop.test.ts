import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rowsOf } from '../../../consumers/projections/history.ts';
import type { DeadLetter } from '../../../consumers/runtime/dead-letters.ts';
import { AGAIN_AFTER_MS, Guard, type GuardPorts } from '../../../consumers/runtime/guard-loop.ts';
import type { DurableSeen, StreamSeen } from '../../../consumers/runtime/guard.ts';
import type { KeptLetter } from '../../../consumers/runtime/letters.ts';
import { parseNote, TOUCHED_NOTE } from '../../../consumers/runtime/position-note.ts';
import type { Outcome } from '../../../consumers/runtime/projection.ts';
import type { Time } from '../../../consumers/runtime/time.ts';
import { HOUR_MS } from '../../../consumers/stores/history/archive.ts';
import type { HistoryStore } from '../../../consumers/stores/history/port.ts';
import { openSqliteHistory } from '../../../consumers/stores/history/sqlite.ts';
import { StoreUnavailable } from '../../../consumers/stores/store-unavailable.ts';
import { eventSubject } from '../../../shared/contract/subjects.ts';
import { anEvent } from '../../contracts/events.ts';

const NOON = Date.parse('2026-03-01T12:00:00Z');
const NAME = 'search';
/** what replays read before a loss: an hour, and twice ten minutes */
const BEFORE_MS = HOUR_MS + 20 * 60_000;

let directory: string;
let store: HistoryStore;
let nowMs: number;
let stream: StreamSeen;
let durable: DurableSeen;
let done: string[];
let letters: KeptLetter[];
let buried: DeadLetter[];
let remadeFrom: number[];
let handle: (sessionId: string) => Outcome;

/** Waiting is over at once, and the clock says that it was not. */
const time: Time = {
  now: () => nowMs,
  random: () => 0,
  after(ms, run) {
    const timer = setImmediate(() => {
      nowMs += ms;
      run();
    });
    return () => clearImmediate(timer);
  },
  turn: async () => await new Promise((resolve) => setImmediate(resolve)),
};

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'millrace-guard-'));
  store = openSqliteHistory({ path: join(directory, 'history.db'), writes: true });
  await store.writeNote(TOUCHED_NOTE, JSON.stringify({ sinceMs: 0 }));
  nowMs = NOON;
  const at = new Date(NOON).toISOString();
  stream = { created: at, firstSeq: 1, lastSeq: 5, lastTime: at, holes: [], server: 's' };
  durable = { deliveredSeq: 5, ackFloorSeq: 5, idle: true };
  done = [];
  letters = [];
  buried = [];
  remadeFrom = [];
  handle = () => ({ kind: 'ok' });
});
afterEach(async () => {
  await store.close();
  await rm(directory, { recursive: true, force: true });
});

function guard(more: Partial<GuardPorts> = {}): Guard {
  return new Guard({
    workerId: 'me',
    projection: {
      name: NAME,
      types: ['message.created'],
      async handle(batch) {
        const outcomes = batch.map(({ event }) => {
          const outcome = handle(event.sessionid);
          if (outcome.kind === 'ok') done.push(event.sessionid);
          return outcome;
        });
        return await Promise.resolve(outcomes);
      },
      healthy: async () => await Promise.resolve(true),
    },
    refill: 'all',
    archive: store,
    look: {
      look: async () => await Promise.resolve({ stream, durable }),
      storedAt: async (seq) => await Promise.resolve(seq === stream.lastSeq ? stream.lastTime : undefined),
      firstStoredAt: async () => await Promise.resolve(stream.lastTime),
      async remake(_projection, fromMs) {
        remadeFrom.push(fromMs);
        durable = { deliveredSeq: 0, ackFloorSeq: 0, idle: false };
        await Promise.resolve();
      },
    },
    letters: {
      next: async (consumer, from) =>
        await Promise.resolve(
          letters.find(({ position, headers }) => position >= from && headers[0]?.[1]?.startsWith(`dead.${consumer}.`)),
        ),
    },
    deadLetters: {
      async store(letter) {
        buried.push(letter);
        await Promise.resolve();
      },
    },
    ensure: async () => await Promise.resolve(),
    log: () => {},
    time,
    ...more,
  });
}

/** An event of a session of its own, written so long after noon. */
async function archive(sessionId: string, hours: number): Promise<void> {
  const writtenMs = NOON + hours * HOUR_MS;
  const event = anEvent('message.created', { seq: 1, sessionId });
  await store.write(rowsOf(event, { publishedAtMs: writtenMs - 1, persistedAtMs: writtenMs }));
}

async function noted(): Promise<ReturnType<typeof parseNote>> {
  return parseNote(await store.readNote(NAME));
}

/** A position noted at noon, with all before it done. */
async function settled(): Promise<void> {
  await guard({ refill: 'lost' }).check();
  expect((await noted())?.position).toMatchObject({ floorSeq: 5, doneThroughMs: NOON });
}

function anotherStream(): void {
  nowMs += HOUR_MS;
  const at = new Date(nowMs).toISOString();
  stream = { ...stream, created: at, lastSeq: 1, lastTime: at };
  durable = { deliveredSeq: 0, ackFloorSeq: 0, idle: false };
}

describe('a guard', () => {
  it('of a read model that is new gives it the whole archive, and notes where it stands only then', async () => {
    for (const [sessionId, hours] of [
      ['old', -5_000],
      ['late', 0],
    ] as const)
      await archive(sessionId, hours);
    await guard().check();
    expect(done.toSorted()).toEqual(['late', 'old']);
    expect(await noted()).toMatchObject({ position: { lastSeq: 5 } });
    await guard().check();
    expect(done).toHaveLength(2);
    expect(remadeFrom).toEqual([]);
  });

  it('gives what was written since the last thing that is done for sure, and some before it, and nothing else', async () => {
    await settled();
    await archive('long-before', -BEFORE_MS / HOUR_MS - 0.1);
    await archive('before', -BEFORE_MS / HOUR_MS + 0.1);
    await archive('after', 0.5);
    anotherStream();
    await guard().check();
    expect(done.toSorted()).toEqual(['after', 'before']);
    expect((await noted())?.position).toMatchObject({ created: stream.created, lastSeq: 1, floorSeq: 0 });
  });

  it('looks a second time, later, for what a worker wrote that had it in hand', async () => {
    await settled();
    anotherStream();
    await guard().check();
    await archive('in-hand', 1.01);
    await guard().check();
    expect(done).toEqual([]);
    nowMs += AGAIN_AFTER_MS;
    await guard().check();
    expect(done).toEqual(['in-hand']);
    expect((await noted())?.replay).toBeUndefined();
  });

  it('that was stopped goes on with the hour that it was in, and so does another worker once the first is silent', async () => {
    await settled();
    for (const hours of [1, 3, 5]) await archive(`hour-${hours}`, hours);
    nowMs += 6 * HOUR_MS;
    anotherStream();
    const first = guard();
    handle = (sessionId) => {
      if (sessionId === 'hour-3') void first.stop();
      return { kind: 'ok' };
    };
    await expect(first.check()).rejects.toThrow('stopped');
    expect(done).toEqual(['hour-1', 'hour-3']);
    // the position is the old one until all is done
    expect((await noted())?.position?.created).not.toBe(stream.created);
    handle = () => ({ kind: 'ok' });
    const other = guard({ workerId: 'another' });
    const left = await noted();
    expect(left?.replay?.claim).toBeUndefined();
    // as it was while the first was at it
    await store.writeNote(
      NAME,
      JSON.stringify({ ...left, replay: { ...left?.replay, claim: { by: 'me', untilMs: nowMs + 60_000 } } }),
    );
    await other.check();
    expect(done).toEqual(['hour-1', 'hour-3']);
    nowMs += 60_001;
    await other.check();
    expect(done).toEqual(['hour-1', 'hour-3', 'hour-3', 'hour-5']);
    expect((await noted())?.position?.created).toBe(stream.created);
  });

  it('waits for a failing store, tries an event again, and buries what will never work, once', async () => {
    for (const sessionId of ['fine', 'shy', 'bad', 'known']) await archive(sessionId, 0);
    letters = [
      {
        position: 1,
        atMs: NOON,
        headers: [
          ['Nats-Msg-Id', `dead.${NAME}.7.1`],
          ['Millrace-Original-Nats-Msg-Id', 'event-known-1'],
        ],
        data: new Uint8Array(),
      },
    ];
    const tries = { store: 0, shy: 0 };
    handle = (sessionId) => {
      tries.store += 1;
      if (tries.store === 1) throw new StoreUnavailable('away');
      if (sessionId === 'bad' || sessionId === 'known') return { kind: 'poison', reason: 'no', detail: 'never' };
      if (sessionId === 'shy' && (tries.shy += 1) < 3) return { kind: 'transient', detail: 'later' };
      return { kind: 'ok' };
    };
    await guard().check();
    expect(done.toSorted()).toEqual(['fine', 'shy']);
    expect(buried.map(({ consumer, reason, incoming }) => [consumer, reason, incoming.storedId])).toEqual([
      [NAME, 'no', 'archive.event-bad-1'],
    ]);
  });

  it('gives also what the history buried, for that is in no archive, of the types that are taken', async () => {
    const letterOf = (position: number, type: 'message.created' | 'session.archived', sessionId: string): KeptLetter => ({
      position,
      atMs: NOON,
      headers: [
        ['Nats-Msg-Id', `dead.history.${position}.1`],
        ['Millrace-Original-Nats-Msg-Id', `event-${sessionId}-1`],
        ['Millrace-Subject', eventSubject('default', type, sessionId)],
      ],
      data: new TextEncoder().encode(JSON.stringify(anEvent(type, { seq: 1, sessionId }))),
    });
    letters = [letterOf(1, 'message.created', 'buried'), letterOf(2, 'session.archived', 'other')];
    await guard().check();
    expect(done).toEqual(['buried']);
    expect(buried).toEqual([]);
  });

  it('makes a durable anew that is ahead, before anything else, and reads the last minutes again after a start of the server', async () => {
    await settled();
    await archive('before', -0.5);
    durable = { deliveredSeq: 9, ackFloorSeq: 9, idle: true };
    handle = () => {
      expect(remadeFrom).toEqual([NOON - BEFORE_MS + 10 * 60_000]);
      return { kind: 'ok' };
    };
    await guard().check();
    expect(done).toEqual(['before']);
    durable = { deliveredSeq: 5, ackFloorSeq: 5, idle: true };
    nowMs += AGAIN_AFTER_MS;
    handle = () => ({ kind: 'ok' });
    await guard().check();
    await guard().check();
    done = [];
    await archive('just-before', -0.3);
    stream = { ...stream, server: 't' };
    await guard().check();
    expect(done).toEqual(['just-before']);
    expect(remadeFrom.at(-1)).toBe(NOON - 10 * 60_000);
  });

  it('of the history gives nothing, for it comes again from the edge, and says since when events are found by their hour', async () => {
    await store.writeNote(NAME, 'what nobody can read');
    const own = guard({ refill: 'none' });
    await own.check();
    await archive('a', 0);
    anotherStream();
    durable = { deliveredSeq: 9, ackFloorSeq: 9, idle: true };
    await own.check();
    expect(done).toEqual([]);
    expect(remadeFrom).toHaveLength(1);
    expect((await noted())?.position?.created).toBe(stream.created);
    expect(await store.readNote(TOUCHED_NOTE)).toBe('{"sinceMs":0}');
  });

  it('notes nothing when the stream cannot be looked at', async () => {
    const away = async (): Promise<never> => await Promise.reject(new Error('no answer'));
    await expect(guard({ ensure: away }).check()).rejects.toThrow('no answer');
    expect(await noted()).toBeUndefined();
  });
});
