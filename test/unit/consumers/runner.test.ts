import { describe, expect, it } from 'vitest';
import type { Incoming } from '../../../consumers/runtime/incoming.ts';
import type { Delivery, Outcome, Projection } from '../../../consumers/runtime/projection.ts';
import { Runner, type RunnerBounds, type Source } from '../../../consumers/runtime/runner.ts';
import { SYSTEM_TIME, type Time } from '../../../consumers/runtime/time.ts';
import { StoreUnavailable } from '../../../consumers/stores/store-unavailable.ts';
import { anEvent } from '../../contracts/events.ts';
import { until } from '../../support/stack.ts';
import { bench, messageOf, type FakeMessage } from './fakes.ts';

const BOUNDS: RunnerBounds = {
  pullEventsMax: 4,
  inHandEventsMax: 12,
  workingEveryMs: 60_000,
  ensureEveryMs: 60_000,
  drainMsMax: 5_000,
};

/** A stream that never ends, as far as asked for. */
class Endless implements Source {
  readonly given: FakeMessage[] = [];
  readonly pulls: number[] = [];
  deliveriesOf: (seq: number) => number = () => 1;
  messageOf = (seq: number): FakeMessage =>
    messageOf(anEvent('message.created', { seq }), { deliveries: this.deliveriesOf(seq) });
  #stopped = false;

  async pull(eventsMax: number, take: (incoming: Incoming) => void): Promise<void> {
    if (this.#stopped) return;
    this.pulls.push(eventsMax);
    for (let count = 0; count < eventsMax; count += 1) {
      const seq = this.given.length + 1;
      const message = this.messageOf(seq);
      this.given.push(message);
      take(message);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }

  stop(): void {
    this.#stopped = true;
  }
}

/** A store whose batches end when they are told to. */
class Held {
  readonly batches: { seqs: number[]; end: (error?: Error) => void }[] = [];
  isHealthy = true;

  readonly projection: Partial<Projection> = {
    handle: async (batch: readonly Delivery[]) =>
      await new Promise<readonly Outcome[]>((resolve, reject) => {
        const seqs = batch.map(({ event }) => event.seq);
        const end = (error?: Error): void => (error === undefined ? resolve(batch.map(() => ({ kind: 'ok' }))) : reject(error));
        this.batches.push({ seqs, end });
      }),
    healthy: async () => await Promise.resolve(this.isHealthy),
  };
}

/** One whose pulls are open until they are told to bring what they were asked for. */
class Stalling extends Endless {
  readonly open: number[] = [];
  most = 0;
  bringsAtMost = Infinity;
  readonly #ends = new Set<() => void>();

  override async pull(eventsMax: number, take: (incoming: Incoming) => void): Promise<void> {
    this.open.push(eventsMax);
    const asked = this.open.reduce((sum, events) => sum + events, 0);
    this.most = Math.max(this.most, asked + this.given.filter((message) => !acked(message)).length);
    await new Promise<void>((resolve) => {
      this.#ends.add(resolve);
    });
    this.open.splice(this.open.indexOf(eventsMax), 1);
    await super.pull(Math.min(eventsMax, this.bringsAtMost), take);
  }

  go(): void {
    for (const end of this.#ends) end();
    this.#ends.clear();
  }

  override stop(): void {
    super.stop();
    this.go();
  }
}

function running(store: Held, source: Endless, more: Partial<Projection> = {}, bounds = BOUNDS, time: Time = SYSTEM_TIME) {
  const { ports } = bench({ ...store.projection, ...more });
  const { projection, deadLetters, log, settlements } = ports;
  const told = settlements === undefined ? {} : { settlements };
  const runner = new Runner(
    { projection, deadLetters, log, ...told, source, time, ensure: async () => await Promise.resolve() },
    bounds,
  );
  runner.start();
  return runner;
}

/** Several turns, in which whatever can go on does. */
async function quiet(source: Endless): Promise<void> {
  for (let turns = 0, given = -1; turns < 20; turns = given === source.given.length ? turns + 1 : 0) {
    given = source.given.length;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Ends batches as they come, until so many were given. */
async function grown(store: Held, source: Endless, events: number): Promise<void> {
  await until(`${events} given`, () => {
    if (source.given.length < events) for (const { end } of store.batches) end();
    return source.given.length >= events;
  });
}

const acked = ({ told }: FakeMessage): boolean => told.includes('ack');

/** Stops it, ends every batch that it still has, and waits until all that was given is acknowledged. */
async function endedWell(runner: Runner, store: Held, source: Endless): Promise<void> {
  const stopped = runner.stop();
  await until('all settled', () => {
    for (const { end } of store.batches) end();
    return source.given.every(acked);
  });
  await stopped;
}

describe('the runner', () => {
  it('takes few at first, each when the ones before are settled, and then goes on pulling while a batch is written', async () => {
    const source = new Endless();
    const store = new Held();
    const runner = running(store, source);
    await quiet(source);
    expect(source.pulls).toEqual([1]);
    await grown(store, source, 11);
    await quiet(source);
    expect(source.pulls.slice(0, 3)).toEqual([1, 2, 4]);
    expect(store.batches.length).toBeGreaterThan(2);
    // the last batch is in the store, and more was pulled behind it, up to the bound
    const inHand = source.given.filter((message) => !acked(message)).length;
    expect(inHand).toBeGreaterThan(store.batches.at(-1)?.seqs.length ?? 0);
    expect(inHand).toBeLessThanOrEqual(12);
    await endedWell(runner, store, source);
  });

  it('gives a projection no second batch before the first is done, unless it takes several', async () => {
    for (const batchesAtOnce of [undefined, 2]) {
      const source = new Endless();
      const store = new Held();
      const bounds = { ...BOUNDS, pullEventsMax: 500, inHandEventsMax: 4_000 };
      const runner = running(store, source, batchesAtOnce === undefined ? {} : { batchesAtOnce }, bounds);
      await grown(store, source, 12_000);
      const ended = store.batches.length;
      await quiet(source);
      const open = store.batches.filter(({ seqs }) => !seqs.every((seq) => acked(source.given[seq - 1] as FakeMessage)));
      expect(ended).toBeGreaterThan(0);
      expect(open.length).toBe(batchesAtOnce ?? 1);
      await endedWell(runner, store, source);
    }
  });

  it('P7 pulls nothing beside a suspect, and one at a time beside a message that came often', async () => {
    const source = new Endless();
    const store = new Held();
    source.deliveriesOf = (seq) => (seq === 7 ? 4 : 1);
    const runner = running(store, source);
    await grown(store, source, 7);
    await quiet(source);
    const pulls = source.pulls.length;
    expect(source.given.some((message) => !acked(message))).toBe(true);
    await grown(store, source, 8);
    expect(source.pulls[pulls]).toBe(1);
    await endedWell(runner, store, source);
  });

  it('pulls nothing more while a batch waits for a failing store, and goes on when it answers', async () => {
    const source = new Endless();
    const store = new Held();
    const runner = running(store, source);
    await grown(store, source, 7);
    await quiet(source);
    store.isHealthy = false;
    store.batches.at(-1)?.end(new StoreUnavailable('down'));
    await quiet(source);
    const given = source.given.length;
    await quiet(source);
    expect(source.given.length).toBe(given);
    expect(source.given.filter((message) => !acked(message)).every(({ told }) => told.length === 0)).toBe(true);
    store.isHealthy = true;
    await grown(store, source, given + 4);
    await endedWell(runner, store, source);
  });

  it('has a second pull under way while the first one comes in, and asks for no more than there is room for', async () => {
    const source = new Stalling();
    const store = new Held();
    const runner = running(store, source, {}, { ...BOUNDS, pullEventsMax: 4, inHandEventsMax: 12 });
    await until('two pulls of four', () => {
      source.go();
      for (const { end } of store.batches) end();
      return source.open.length === 2 && source.open.every((events) => events === 4);
    });
    await endedWell(runner, store, source);
    // asked for and in hand together
    expect(source.most).toBeLessThanOrEqual(12);
  });

  it('gathers the next batch while one is written, for a moment at most', async () => {
    const source = new Stalling();
    const store = new Held();
    const moments: (() => void)[] = [];
    const time: Time = {
      ...SYSTEM_TIME,
      after: (ms, run) => {
        if (ms > 1_000) return SYSTEM_TIME.after(ms, run);
        moments.push(run);
        return () => {};
      },
    };
    const runner = running(store, source, { batchesAtOnce: 3 }, { ...BOUNDS, inHandEventsMax: 64 }, time);
    const written = (): number => store.batches.reduce((sum, { seqs }) => sum + seqs.length, 0);
    await until('more than a few at once', () => {
      source.go();
      for (const { end } of store.batches) end();
      return source.given.length >= 12;
    });
    await until('one batch under way, and more behind it', () => {
      source.go();
      return moments.length > 0 && source.given.length > written();
    });
    await quiet(source);
    const begun = store.batches.length;
    await quiet(source);
    expect(store.batches).toHaveLength(begun);
    for (const run of moments.splice(0)) run();
    await until('another one beside it', () => store.batches.length === begun + 1);
    await endedWell(runner, store, source);
  });

  it('waits with a batch that is not full where the projection rather waits, but not for what cannot come', async () => {
    const source = new Stalling();
    const store = new Held();
    const moments: (() => void)[] = [];
    const time: Time = {
      ...SYSTEM_TIME,
      after: (ms, run) => {
        if (ms !== 250) return SYSTEM_TIME.after(ms, run);
        moments.push(run);
        return () => {};
      },
    };
    const runner = running(store, source, { gatherMs: 250 }, BOUNDS, time);
    // at first there is room for one, and then for two: nothing else can come before they are written
    for (const size of [1, 2]) {
      await until(`a batch of ${size}`, () => {
        source.go();
        return store.batches.at(-1)?.seqs.length === size;
      });
      store.batches.at(-1)?.end();
    }
    await until('a pull of four', () => source.open.includes(4));
    source.bringsAtMost = 3;
    source.go();
    await until('three of them', () => source.given.length === 6);
    await quiet(source);
    expect(store.batches).toHaveLength(2);
    for (const run of moments.splice(0)) run();
    await until('its moment is over', () => store.batches.length === 3);
    await endedWell(runner, store, source);
  });

  it('passes over what the projection does not take, unread, and is no more careful for it', async () => {
    const source = new Endless();
    const store = new Held();
    // whatever is in it: it may be what kills the worker of another read model
    source.messageOf = (seq) =>
      seq % 2 === 0
        ? messageOf(anEvent('trace.started', { seq }), { data: new Uint8Array(), deliveries: 99 })
        : seq % 5 === 0
          ? messageOf(anEvent('message.created', { seq }), { subject: 'millrace.events.default.message.created' })
          : messageOf(anEvent('message.created', { seq }));
    const runner = running(store, source, { types: ['message.created', 'message.deleted'] });
    await grown(store, source, 40);
    const stopped = runner.stop();
    const isWanted = (_message: FakeMessage, index: number): boolean => (index + 1) % 2 !== 0 && (index + 1) % 5 !== 0;
    await until('all settled', () => {
      for (const { end } of store.batches) end();
      return source.given.filter(isWanted).every(acked);
    });
    await stopped;
    const wanted = source.given.flatMap((message, index) => (isWanted(message, index) ? [message.streamSeq] : []));
    expect(store.batches.flatMap(({ seqs }) => seqs)).toEqual(wanted);
    const others = source.given.filter((message, index) => !isWanted(message, index));
    expect(others.map(({ told }) => told)).toEqual(others.map(() => ['ack unconfirmed']));
    // it grew as if nothing were suspect
    expect(source.pulls.slice(0, 3)).toEqual([1, 2, 4]);
  });
});
