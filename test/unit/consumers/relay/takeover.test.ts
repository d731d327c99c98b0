import fc from 'fast-check';
import { expect, it } from 'vitest';
import { SimulatedRelays } from './simulated-relays.ts';

/** The scheduler against a server that does its worst: lost packets, expiries in any order, takeovers at any moment. */

const session = fc.integer({ min: 0, max: 2 });
const relay = fc.integer({ min: 0, max: 1 });
const any = fc.nat(1_000);
/** true this often in ten */
const often = (tenths: number) => fc.nat(9).map((drawn) => drawn < tenths);
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('publish' as const), session }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('deliver' as const), lost: often(1) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('expire' as const), which: any }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('pin' as const), relay }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('crash' as const), relay }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('learn' as const), relay }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('begin' as const), relay }) },
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('land' as const), which: any, executed: often(8), answered: often(8) }),
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('settle' as const), which: any, confirmed: often(8) }) },
);

it('keeps the order of each session and takes effect once, whatever is lost, repeated, or taken over', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 80, maxLength: 200, size: 'max' }), (steps) => {
      const world = new SimulatedRelays();
      for (const each of steps) world.step(each);
      world.bringToAnEnd();
      expect(world.effects()).toEqual(world.published());
    }),
    { numRuns: 1_000 },
  );
});

it('would not without asking the stream: the simulated server is as bad as it has to be', () => {
  const run = (trusting: boolean): boolean => {
    const world = new SimulatedRelays({ trusting });
    // both are with a relay that dies; the later one expires first, and reaches the next relay first
    for (const each of [0, 0]) world.step({ do: 'publish', session: each });
    world.step({ do: 'deliver', lost: false });
    world.step({ do: 'crash', relay: 0 });
    world.step({ do: 'pin', relay: 1 });
    world.step({ do: 'deliver', lost: false });
    world.step({ do: 'begin', relay: 1 });
    world.step({ do: 'land', which: 0, executed: true, answered: true });
    world.bringToAnEnd();
    return JSON.stringify(world.effects()) === JSON.stringify(world.published());
  };
  expect(run(true)).toBe(false);
  expect(run(false)).toBe(true);
});
