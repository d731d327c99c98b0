import { expect, it } from 'vitest';
import { eventParser } from '../../../shared/contract/event-schema.ts';
import type { Delivery, Projection } from '../../../consumers/runtime/projection.ts';
import { redriven } from '../../../consumers/runtime/redrive.ts';
import { SYSTEM_TIME } from '../../../consumers/runtime/time.ts';
import { StoreUnavailable } from '../../../consumers/stores/store-unavailable.ts';
import { anEvent } from '../../contracts/events.ts';
import { LATER, stamped } from '../shared/evolution.ts';

const event = anEvent('message.created', { seq: 3 });
const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

async function redrive(
  projection: Partial<Projection>,
  asked: unknown = { v: 1, event, publishedAtMs: 7 },
  tell?: () => Promise<void>,
) {
  const handled: Delivery[] = [];
  const told: number[] = [];
  const whole: Projection = {
    name: 'history',
    types: 'all',
    handle: async (batch) => {
      handled.push(...batch);
      return await Promise.resolve(batch.map(() => ({ kind: 'ok' })));
    },
    healthy: async () => await Promise.resolve(true),
    ...projection,
  };
  const taker = {
    projection: whole,
    redriven: async (_event: unknown, publishedAtMs: number) => {
      await tell?.();
      told.push(publishedAtMs);
    },
  };
  return { said: await redriven(encode(asked), taker, { log: () => {}, time: SYSTEM_TIME }), handled, told };
}

it('is handled alone, and whoever waits is told, before it is said to be taken', async () => {
  const { said, handled, told } = await redrive({});
  expect(said).toEqual({ outcome: 'taken' });
  expect(handled).toEqual([{ event, publishedAtMs: 7 }]);
  expect(told).toEqual([7]);
});

it('is not said to be taken while nobody could be told', async () => {
  const { said } = await redrive({}, undefined, async () => await Promise.reject(new Error('away')));
  expect(said.outcome).toBe('later');
});

it.each<[string, Partial<Projection>, string]>([
  ['poison', { handle: async () => await Promise.resolve([{ kind: 'poison', reason: 'bug', detail: 'd' }]) }, 'poison'],
  ['a transient failure', { handle: async () => await Promise.resolve([{ kind: 'transient', detail: 'd' }]) }, 'later'],
  ['no outcome', { handle: async () => await Promise.resolve([]) }, 'later'],
  ['a store that is away', { handle: async () => await Promise.reject(new StoreUnavailable('away')) }, 'later'],
  ['a bug while the store is well', { handle: async () => await Promise.reject(new Error('bug')) }, 'poison'],
  [
    'an error of a store that is unwell',
    { handle: async () => await Promise.reject(new Error('x')), healthy: async () => await Promise.resolve(false) },
    'later',
  ],
])('%s', async (_, projection, outcome) => {
  const { said, told } = await redrive(projection);
  expect(said.outcome).toBe(outcome);
  expect(told).toEqual([]);
});

it.each([[{}], [{ v: 2, event, publishedAtMs: 7 }], [{ v: 1, event: { ...event, type: 'x.y' }, publishedAtMs: 7 }], ['']])(
  'what is no event of this build is poison: %j',
  async (asked) => {
    const { said, handled } = await redrive({}, asked);
    expect([said.outcome, handled]).toEqual(['poison', []]);
  },
);

it('is refused in a version that the worker does not know, and raised by one that knows more', async () => {
  const first = anEvent('message.created', { seq: 4 });
  const asked = encode({ v: 1, event: stamped(first, 3, { ...first.data, language: 'en' }), publishedAtMs: 7 });
  const old = encode({ v: 1, event: stamped(first, 1), publishedAtMs: 7 });
  const handled: Delivery[] = [];
  const taker = {
    projection: {
      name: 'witness',
      types: 'all' as const,
      handle: async (batch: readonly Delivery[]) => {
        handled.push(...batch);
        return await Promise.resolve(batch.map(() => ({ kind: 'ok' as const })));
      },
      healthy: async () => await Promise.resolve(true),
    },
  };
  const process = { log: () => {}, time: SYSTEM_TIME };
  expect(await redriven(asked, taker, process)).toMatchObject({ outcome: 'poison', reason: 'future_version' });
  expect(handled).toEqual([]);
  const newer = { ...process, parse: eventParser(LATER) };
  expect(await redriven(asked, taker, newer)).toEqual({ outcome: 'taken' });
  expect(await redriven(old, taker, newer)).toEqual({ outcome: 'taken' });
  expect(handled.map(({ event: { dataschema, data } }) => [dataschema.at(-1), { ...data }])).toEqual([
    ['3', { ...first.data, language: 'en' }],
    ['3', { ...first.data, language: 'und' }],
  ]);
});
