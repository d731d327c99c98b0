import { describe, expect, it } from 'vitest';
import { backoffMs } from '../../../consumers/runtime/backoff.ts';
import { BatchHandler, DELIVERIES_MAX } from '../../../consumers/runtime/batch.ts';
import { nextBatchEvents, nextInHandEvents } from '../../../consumers/runtime/caution.ts';
import { fitLetter, letterHeaders } from '../../../consumers/runtime/dead-letters.ts';
import type { Incoming } from '../../../consumers/runtime/incoming.ts';
import { NO_METRICS, type Metrics } from '../../../consumers/runtime/metrics.ts';
import type { Projection } from '../../../consumers/runtime/projection.ts';
import { StoreUnavailable } from '../../../consumers/stores/store-unavailable.ts';
import { eventParser } from '../../../shared/contract/event-schema.ts';
import { anEvent } from '../../contracts/events.ts';
import { LATER, stamped } from '../shared/evolution.ts';
import { bench, messageOf, type FakeMessage } from './fakes.ts';

const messages = (...seqs: number[]): FakeMessage[] => seqs.map((seq) => messageOf(anEvent('message.created', { seq })));

async function process(ports: Parameters<typeof bench>, batch: readonly Incoming[]) {
  const made = bench(...ports);
  const released: Incoming[] = [];
  await new BatchHandler(made.ports).process(batch, (incoming) => released.push(incoming));
  expect(new Set(released)).toEqual(new Set(batch));
  return made;
}

describe('BatchHandler', () => {
  it('acknowledges what the store took, and only then says it is persisted', async () => {
    const batch = messages(1, 2);
    const unconfirmed = messageOf(anEvent('message.created', { seq: 3 }), { ack: async () => await Promise.resolve(false) });
    const lost = messageOf(anEvent('message.created', { seq: 4 }), {
      ack: async () => await Promise.reject(new Error('timeout')),
    });
    const { persisted } = await process([{}], [...batch, unconfirmed, lost]);
    expect(batch.map(({ told }) => told)).toEqual([['ack'], ['ack']]);
    expect(persisted).toEqual([1, 2]);
  });

  it.each([
    ['the line held', [7, 7], [1, 2, 3]],
    ['the line broke in between', [7, 8], [3]],
    ['nobody watches the line any more', [NaN, NaN], [3]],
  ])('has one acknowledgement confirmed for all of them: %s', async (_name, seen, told) => {
    const batch = messages(1, 2, 3);
    const breaks = seen[Symbol.iterator]();
    const { persisted } = await process([{}, { line: { breaks: () => breaks.next().value ?? 0 } }], batch);
    expect(batch.map((message) => message.told)).toEqual([['ack unconfirmed'], ['ack unconfirmed'], ['ack']]);
    expect(persisted).toEqual(told);
  });

  it('tells of nothing when the one acknowledgement is not confirmed', async () => {
    const last = messageOf(anEvent('message.created', { seq: 3 }), {
      ack: async () => await Promise.reject(new Error('timeout')),
    });
    const { persisted } = await process([{}, { line: { breaks: () => 0 } }], [...messages(1, 2), last]);
    expect(persisted).toEqual([]);
  });

  it('has one acknowledgement confirmed where nobody waits to hear', async () => {
    const batch = messages(1, 2, 3);
    const { ports } = bench({});
    const { settlements: _nobody, ...unattended } = ports;
    const released: Incoming[] = [];
    await new BatchHandler(unattended).process(batch, (incoming) => released.push(incoming));
    expect(batch.map(({ told }) => told)).toEqual([['ack unconfirmed'], ['ack unconfirmed'], ['ack']]);
    expect(released).toEqual(batch);
  });

  it.each([
    ['unparsable', messageOf(anEvent('message.created', { seq: 2 }), { data: new TextEncoder().encode('{"seq":2') }), []],
    [
      'unknown_type',
      messageOf({ ...anEvent('message.created', { seq: 2 }), type: 'message.sung' } as never),
      ['default s1 2 unknown_type'],
    ],
    [
      'subject_mismatch',
      messageOf(anEvent('message.created', { seq: 2 }), { subject: 'millrace.events.other.message.created.s1' }),
      [],
    ],
    [
      'deliveries_exhausted',
      messageOf(anEvent('message.created', { seq: 2 }), { deliveries: DELIVERIES_MAX + 1 }),
      ['default s1 2 deliveries_exhausted'],
    ],
  ])('P7 buries %s and goes on with the others', async (reason, poison, buried) => {
    const [before, after] = messages(1, 3) as [FakeMessage, FakeMessage];
    const made = await process([{}], [before, poison, after]);
    expect(made.letters).toMatchObject([{ incoming: poison, reason, consumer: 'history', firstFailedAtMs: 5_000 }]);
    expect(poison.told).toEqual([`terminate ${reason}`]);
    expect(made.buried).toEqual(buried);
    expect(made.persisted).toEqual([1, 3]);
  });

  it('hands over events of older versions in the newest, with what came beside it', async () => {
    const first = anEvent('message.created', { seq: 1 });
    const third = stamped(anEvent('message.created', { seq: 2 }), 3, { ...first.data, language: 'de' });
    const handed: unknown[] = [];
    const projection: Partial<Projection> = {
      handle: async (batch) => {
        handed.push(...batch);
        return await Promise.resolve(batch.map(() => ({ kind: 'ok' })));
      },
    };
    await process([projection, { parse: eventParser(LATER) }], [messageOf(first), messageOf(third)]);
    expect(handed).toMatchObject([{ event: { data: { language: 'und' } }, stored: first }, { event: third }]);
    expect(handed[1]).not.toHaveProperty('stored');
  });

  it('does not terminate what it could not bury', async () => {
    const poison = messageOf(anEvent('message.created', { seq: 2 }), { data: new Uint8Array() });
    const { buried } = await process(
      [{}, { deadLetters: { store: async () => await Promise.reject(new Error('full')) } }],
      [poison],
    );
    expect(poison.told).toEqual(['retry 1000']);
    expect(buried).toEqual([]);
  });

  it('waits for a failing store with the batch in hand: no deliveries are burned', async () => {
    let left = 3;
    const handle = async (batch: readonly unknown[]) => {
      if (left > 0) throw new Error('down');
      return await Promise.resolve(batch.map(() => ({ kind: 'ok' as const })));
    };
    const healthy = async () => await Promise.resolve((left -= 1) <= 0);
    const batch = messages(1, 2);
    const { waits, persisted } = await process([{ handle, healthy }], batch);
    expect(waits).toEqual([250, 500]);
    expect(batch.map(({ told }) => told)).toEqual([['ack'], ['ack']]);
    expect(persisted).toEqual([1, 2]);
  });

  it('tells whoever measures what failed, and when it waits', async () => {
    const told: string[] = [];
    const metrics: Metrics = {
      ...NO_METRICS,
      sinkFailed: (consumer, kind) => told.push(`${consumer} ${kind}`),
      waiting: (consumer, change) => told.push(`${consumer} waits ${change}`),
    };
    let failures = [new StoreUnavailable('down'), new Error('a bug')];
    const handle = async (batch: readonly unknown[]) => {
      const [failure] = failures;
      failures = failures.slice(1);
      if (failure !== undefined) throw failure;
      return await Promise.resolve(batch.map(() => ({ kind: 'ok' as const })));
    };
    await process([{ handle }, { metrics }], messages(1, 2));
    expect(told).toEqual(['history unavailable', 'history waits 1', 'history waits -1', 'history bug']);
  });

  it('tries a large batch again in parts: a store that is only slow goes on', async () => {
    const sizes: number[] = [];
    const handle = async (batch: readonly unknown[]) => {
      sizes.push(batch.length);
      if (batch.length > 100) throw new StoreUnavailable('no answer in time');
      return await Promise.resolve(batch.map(() => ({ kind: 'ok' as const })));
    };
    const batch = messages(...Array.from({ length: 230 }, (_none, index) => index + 1));
    const { persisted } = await process([{ handle }], batch);
    expect(sizes).toEqual([230, 100, 100, 30]);
    expect(persisted).toHaveLength(230);
  });

  it('waits for a store that says it cannot, though its probe passes: no deliveries are burned', async () => {
    let left = 12;
    const handle = async (batch: readonly unknown[]) => {
      if ((left -= 1) >= 0) throw new StoreUnavailable('SQLITE_FULL: database or disk is full');
      return await Promise.resolve(batch.map(() => ({ kind: 'ok' as const })));
    };
    const batch = messages(1, 2);
    const { waits, persisted, letters } = await process([{ handle }], batch);
    expect(waits.slice(0, 3)).toEqual([250, 500, 1_000]);
    expect(waits).toHaveLength(12);
    expect(Math.max(...waits)).toBe(10_000);
    expect(batch.map(({ told }) => told)).toEqual([['ack'], ['ack']]);
    expect(persisted).toEqual([1, 2]);
    expect(letters).toEqual([]);
  });

  it('gives the batch back when it is to stop while the store is down', async () => {
    const handle = async () => await Promise.reject(new Error('down'));
    const batch = messages(1, 2);
    await process([{ handle, healthy: async () => await Promise.resolve(false) }, { stopping: () => true }], batch);
    expect(batch.map(({ told }) => told)).toEqual([['retry 0'], ['retry 0']]);
  });

  it('P7 finds the one event that fails a batch by splitting it, and buries it at its last delivery', async () => {
    const handle = async (batch: readonly { event: { seq: number } }[]) => {
      if (batch.some(({ event }) => event.seq === 3)) throw new Error('cannot store this');
      return await Promise.resolve(batch.map(() => ({ kind: 'ok' as const })));
    };
    const first = messages(1, 2, 3, 4, 5);
    expect((await process([{ handle }], first)).persisted).toEqual([1, 2, 4, 5]);
    expect(first[2]?.told).toEqual(['retry 1000']);
    const last = messageOf(anEvent('message.created', { seq: 3 }), { deliveries: DELIVERIES_MAX });
    const { letters } = await process([{ handle }], [last]);
    expect(letters).toMatchObject([{ reason: 'retries_exhausted', error: 'Error: cannot store this' }]);
    expect(last.told).toEqual(['terminate retries_exhausted']);
  });

  it('takes the outcome of each event', async () => {
    const outcomes = [
      { kind: 'ok' },
      { kind: 'poison', reason: 'bad', detail: 'd' },
      { kind: 'transient', detail: 'later' },
    ] as const;
    const batch = messages(1, 2, 3);
    await process([{ handle: async () => await Promise.resolve(outcomes) }], batch);
    expect(batch.map(({ told }) => told)).toEqual([['ack'], ['terminate bad'], ['retry 1000']]);
  });
});

describe('backoff', () => {
  it('doubles up to its bound, and takes up to a quarter off', () => {
    const bounds = { minMs: 100, maxMs: 1_000 };
    expect([1, 2, 3, 4, 5, 99].map((attempt) => backoffMs(attempt, bounds, 0))).toEqual([100, 200, 400, 800, 1_000, 1_000]);
    expect(backoffMs(1, bounds, 1)).toBe(75);
  });
});

describe('caution', () => {
  it('grows while all goes well, and takes suspects a few at a time, then alone', () => {
    expect([1, 2, 4, 64].map((current) => nextInHandEvents(current, 1, 100))).toEqual([2, 4, 8, 100]);
    expect(nextInHandEvents(100, 2, 100)).toBe(8);
    expect(nextInHandEvents(100, 4, 100)).toBe(1);
  });

  it('makes batches larger while the store is quick with full ones, and smaller when it is slow', () => {
    const next = (current: number, events: number, tookMs: number) => nextBatchEvents(current, { events, tookMs }, 1_000);
    expect([next(100, 100, 10), next(800, 800, 499), next(400, 399, 10)]).toEqual([200, 1_000, 400]);
    expect([next(400, 400, 1_000), next(400, 20, 2_001), next(100, 100, 60_000)]).toEqual([400, 200, 100]);
  });
});

describe('dead letters', () => {
  const incoming = messageOf(anEvent('message.created', { seq: 9 }), {
    deliveries: 4,
    headers: [
      ['Content-Type', 'application/cloudevents+json'],
      ['Nats-Expected-Stream', 'OTHER'],
    ],
  });
  const letter = { incoming, consumer: 'history', reason: 'invalid_event', error: 'a\r\nb', firstFailedAtMs: 0 };

  it('keep the headers, disarm those the server obeys, and say why', () => {
    expect(letterHeaders(letter)).toEqual([
      ['Content-Type', 'application/cloudevents+json'],
      ['Millrace-Original-Nats-Expected-Stream', 'OTHER'],
      ['Millrace-Reason', 'invalid_event'],
      ['Millrace-Error', 'a b'],
      ['Millrace-Attempts', '4'],
      ['Millrace-Subject', 'millrace.events.default.message.created.s1'],
      ['Millrace-Stream-Seq', '9'],
      ['Millrace-First-Failed-At', '1970-01-01T00:00:00.000Z'],
      ['Millrace-Published-At', '1970-01-01T00:00:01.009Z'],
    ]);
  });

  it('name the correlation id of a command', () => {
    expect(letterHeaders({ ...letter, correlationId: 'c-1' }).at(-1)).toEqual(['Millrace-Correlation-Id', 'c-1']);
  });

  it('a header of the publisher does not pass for ours', () => {
    const forged = { ...incoming, headers: [['millrace-subject', 'x'] as const, ['Millrace-Payload-Bytes', '9'] as const] };
    const names = letterHeaders({ ...letter, incoming: forged }).map(([name]) => name);
    expect(names.slice(0, 2)).toEqual(['Millrace-Original-millrace-subject', 'Millrace-Original-Millrace-Payload-Bytes']);
  });

  it('fit into what the server takes', () => {
    expect(fitLetter(letter, 1024 * 1024).data).toBe(incoming.data);
    const big = { ...letter, incoming: { ...incoming, data: new Uint8Array(10_000) } };
    const { entries, data } = fitLetter(big, 8_000);
    expect(data.length).toBeLessThan(7_000);
    expect(entries.at(-1)).toEqual(['Millrace-Payload-Bytes', '10000']);
  });
});
