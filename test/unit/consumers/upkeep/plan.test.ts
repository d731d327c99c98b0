import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LAG_MS_MAX, planUpkeep, type DurableSeen, type StreamSeen, type Upkeep } from '../../../../consumers/upkeep/plan.ts';

const NOW = 1_700_000_000_000;
const seed = Number(process.env['FC_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
console.log(`property test of the upkeep: FC_SEED=${seed} repeats this run`);

function durable(name: string, settledTo: number, more: Partial<DurableSeen> = {}): [string, DurableSeen] {
  return [name, { name, settledTo, isAhead: false, ...more }];
}

function seen(bytes: number, ...durables: [string, DurableSeen | undefined][]): StreamSeen {
  return { nowMs: NOW, bytes, maxBytes: 1_000, firstSeq: 10, durables: new Map(durables) };
}

const [history, search] = [durable('history', 50), durable('search', 30)];

describe('the upkeep of the stream', () => {
  const cells: [what: string, seen: StreamSeen, upkeep: Upkeep][] = [
    ['little is in it: nothing is done', seen(800, history, search), { lagging: [] }],
    ['above 80 % what the last of all has settled goes', seen(801, history, search), { purgeBelow: 31, lagging: [] }],
    ['above 90 % somebody is told too', seen(901, history), { purgeBelow: 51, alertShare: 0.901, lagging: [] }],
    ['at 90 % nobody is', seen(900, history), { purgeBelow: 51, lagging: [] }],
    ['more than it may hold', seen(1_100, history), { purgeBelow: 51, alertShare: 1.1, lagging: [] }],
    [
      'one that does not exist keeps all',
      seen(850, history, ['search', undefined]),
      { heldBack: 'the durable search does not exist', lagging: [] },
    ],
    [
      'one that stands ahead keeps all',
      seen(850, durable('history', 0, { isAhead: true }), search),
      { heldBack: 'the durable history stands ahead of the stream', lagging: [] },
    ],
    [
      'nothing is settled beyond what was purged before',
      seen(950, history, durable('search', 9)),
      { heldBack: 'the durable search has not acknowledged it', alertShare: 0.95, lagging: [] },
    ],
    ['without read models nothing may go', seen(850), { heldBack: 'there is no read model', lagging: [] }],
    [
      'the oldest message is a week old, and a little',
      seen(
        1,
        durable('history', 20, { oldestAtMs: NOW - LAG_MS_MAX - 1 }),
        durable('search', 5, { oldestAtMs: NOW - LAG_MS_MAX }),
      ),
      { lagging: [{ name: 'history', lagMs: LAG_MS_MAX + 1 }] },
    ],
    [
      'one that an operator paused is behind because they want it to be',
      seen(1, durable('history', 20, { oldestAtMs: NOW - LAG_MS_MAX - 1, isPaused: true })),
      { lagging: [] },
    ],
  ];
  test.each(cells)('%s', (_what, state, upkeep) => {
    expect(planUpkeep(state)).toEqual(upkeep);
  });

  test('a stream without a bound is never full', () => {
    const { maxBytes: _none, ...unbounded } = seen(10 ** 15, history);
    expect(planUpkeep(unbounded)).toEqual({ lagging: [] });
  });

  test('property: what goes was settled by every read model, and all of that goes', () => {
    const one = fc.option(
      fc.record({ settledTo: fc.nat(100), isAhead: fc.boolean(), oldestAtMs: fc.integer({ min: 0, max: NOW }) }),
      { nil: undefined, freq: 6 },
    );
    fc.assert(
      fc.property(fc.nat(1_100), fc.integer({ min: 1, max: 100 }), fc.array(one, { maxLength: 4 }), (bytes, firstSeq, all) => {
        const durables = new Map(all.map((each, at) => [`d${at}`, each === undefined ? undefined : { name: `d${at}`, ...each }]));
        const { purgeBelow, heldBack } = planUpkeep({ nowMs: NOW, bytes, maxBytes: 1_000, firstSeq, durables });
        if (bytes <= 800) return purgeBelow === undefined && heldBack === undefined;
        if (purgeBelow === undefined) return heldBack !== undefined;
        const settled = all.map((each) => (each === undefined || each.isAhead ? -1 : each.settledTo));
        return heldBack === undefined && purgeBelow > firstSeq && purgeBelow - 1 === Math.min(...settled);
      }),
      { seed, numRuns: 2_000 },
    );
  });
});
