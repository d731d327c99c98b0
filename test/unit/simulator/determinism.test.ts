import { describe, expect, it } from 'vitest';
import { simulate } from '../../simulator/run.ts';

const COMMANDS = 120;

describe('a simulated seed', () => {
  it.each([7, 8])('is the same every time: seed %i', async (seed) => {
    const first = await simulate(seed, { commands: COMMANDS });
    const second = await simulate(seed, { commands: COMMANDS });
    expect(first.broken, first.tail.join('\n')).toBeUndefined();
    expect(second.traceHash).toBe(first.traceHash);
    expect(second.tail).toEqual(first.tail);
    expect(first.commands).toBeGreaterThanOrEqual(COMMANDS);
    expect(first.events).toBeGreaterThan(0);
  });

  it('differs from the next', async () => {
    const [one, other] = [await simulate(7, { commands: COMMANDS }), await simulate(8, { commands: COMMANDS })];
    expect(one.traceHash).not.toBe(other.traceHash);
  });
});
