import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { floorOf, judge, positionOf, type Position, type Seen } from '../../../consumers/runtime/guard.ts';
import { GuardedWorld, type Deed } from './guarded-world.ts';

const RUNS = Number(process.env['FC_RUNS'] ?? 1_000);
/** fast-check prints the seed of a failure; FC_SEED plays it again */
const SEED = process.env['FC_SEED'] === undefined ? Date.now() % 2 ** 31 : Number(process.env['FC_SEED']);

const T = (second: number): string => new Date(second * 1_000).toISOString();
const NOTED: Position = {
  created: 'a',
  firstSeq: 1,
  lastSeq: 10,
  lastTime: T(10),
  holes: [],
  server: 's',
  floorSeq: 8,
  doneThroughMs: 9_000,
};

interface Found {
  stream?: Partial<Seen['stream']>;
  durable?: Partial<Seen['durable']>;
  notedLastTime?: string;
  nextTimeMs?: number;
}

function seen({ stream, durable, ...rest }: Found = {}): Seen {
  return {
    stream: { created: 'a', firstSeq: 1, lastSeq: 12, lastTime: T(12), holes: [], server: 's', ...stream },
    durable: { deliveredSeq: 10, ackFloorSeq: 9, idle: false, ...durable },
    notedLastTime: T(10),
    nextTimeMs: 10_000,
    ...rest,
  };
}

describe('a guard', () => {
  it.each<[string, Found, readonly string[], boolean]>([
    ['a stream that went on', {}, [], false],
    [
      'another stream',
      { stream: { created: 'b', lastSeq: 2 }, durable: { deliveredSeq: 0, ackFloorSeq: 0 } },
      ['recreated'],
      false,
    ],
    ['a stream that ends earlier', { stream: { lastSeq: 9 }, durable: { deliveredSeq: 9 } }, ['lost_tail'], true],
    ['one that grew beyond it since', { notedLastTime: T(11) }, ['lost_tail'], true],
    ['a durable beyond the end', { durable: { deliveredSeq: 13 } }, ['ahead'], true],
    ['messages that left it unread', { stream: { firstSeq: 10 } }, ['gone'], false],
    ['messages that left it read', { stream: { firstSeq: 9 } }, [], false],
    ['a hole', { stream: { holes: [9] } }, ['gap'], false],
    ['a hole among what is done', { stream: { holes: [8] } }, [], false],
    ['a server that was started anew', { stream: { server: 't' } }, ['restarted'], true],
    ['another stream of another server', { stream: { created: 'b', server: 't' } }, ['recreated'], true],
    ['the noted message gone, with all before it', { stream: { firstSeq: 12 }, notedLastTime: T(10) }, ['gone'], false],
  ])('finds in %s', (_what, found, findings, remake) => {
    expect(judge(NOTED, seen(found))).toEqual({ findings, remake, lostFromMs: 9_000 });
  });

  it('that noted nothing finds only a durable that is ahead, and has then lost everything', () => {
    expect(judge(undefined, seen({ stream: { firstSeq: 7, holes: [9] } })).findings).toEqual([]);
    expect(judge(undefined, seen({ durable: { deliveredSeq: 13 } }))).toEqual({
      findings: ['ahead'],
      remake: true,
      lostFromMs: 0,
    });
  });

  it('notes what is done: all of it when nothing is out, else what lies before the first that may be missing', () => {
    const busy = seen();
    expect(floorOf(busy, NOTED)).toBe(9);
    expect(positionOf(busy, 9, NOTED)).toMatchObject({ floorSeq: 9, doneThroughMs: 10_000, lastSeq: 12 });
    const idle = seen({ durable: { idle: true } });
    expect(floorOf(idle, NOTED)).toBe(12);
    expect(positionOf(idle, 12, NOTED)).toMatchObject({ doneThroughMs: 12_000 });
    // a durable made anew goes over what is done already
    expect(floorOf(seen({ durable: { ackFloorSeq: 0 } }), NOTED)).toBe(8);
    expect(floorOf(seen({ stream: { created: 'b' }, durable: { ackFloorSeq: 0 } }), NOTED)).toBe(0);
    // the message is not to be had: what was noted before still holds
    expect(positionOf({ ...busy, nextTimeMs: undefined }, 9, NOTED).doneThroughMs).toBe(9_000);
  });
});

const many = fc.integer({ min: 1, max: 12 });
const usual: fc.Arbitrary<Deed> = fc.oneof(
  many.map((count): Deed => ({ kind: 'publish', count })),
  many.map((count): Deed => ({ kind: 'read', count })),
  fc.constant<Deed>({ kind: 'check' }),
  fc.constant<Deed>({ kind: 'purgeNoted' }),
  fc.constant<Deed>({ kind: 'losesDurable' }),
);
const faulty: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 8, arbitrary: usual },
  fc.constant<Deed>({ kind: 'recreate' }),
  many.map((count): Deed => ({ kind: 'losesTail', count })),
  fc.constant<Deed>({ kind: 'copy' }),
  fc.constant<Deed>({ kind: 'restore' }),
  fc.constant<Deed>({ kind: 'restart' }),
  many.map((count): Deed => ({ kind: 'purge', count })),
  many.map((count): Deed => ({ kind: 'losesOne', count })),
);

describe('over any course of things', () => {
  afterAll(() => console.info(`guard: FC_SEED=${SEED}`));

  it('P1 the read model has in the end all that was ever in its stream', () => {
    fc.assert(
      fc.property(fc.array(faulty, { maxLength: 60 }), (deeds) => {
        const world = new GuardedWorld();
        for (const deed of deeds) world.do(deed);
        world.settle();
        expect(world.missing()).toEqual([]);
      }),
      { numRuns: RUNS, seed: SEED },
    );
  });

  it('without a fault nothing is found, whatever is read, purged and made anew', () => {
    fc.assert(
      fc.property(fc.array(usual, { maxLength: 60 }), (deeds) => {
        const world = new GuardedWorld();
        for (const deed of deeds) world.do(deed);
        world.settle();
        expect(world.missing()).toEqual([]);
        expect(world.found).toEqual([]);
      }),
      { numRuns: RUNS, seed: SEED },
    );
  });
});
