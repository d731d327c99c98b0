import { describe, expect, it } from 'vitest';
import { isSudden, KINDS, LINKS, nameOf, planOf, type PlanOptions, PROCESSES } from '../../faults/plan.ts';

const OPTIONS: PlanOptions = {
  seed: 7,
  kills: 30,
  spanMs: 150_000,
  kinds: KINDS,
  processes: PROCESSES,
  links: LINKS,
  durables: ['history', 'notifications'],
  largeEach: 1,
};

describe('a plan of faults', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(planOf(OPTIONS)).toEqual(planOf(OPTIONS));
    expect(planOf({ ...OPTIONS, seed: 8 })).not.toEqual(planOf(OPTIONS));
  });

  it('has the kills and cuts asked for, and each kind on each target', () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const plan = planOf({ ...OPTIONS, seed, kills: 30 });
      expect(plan.filter(({ kind }) => isSudden(kind))).toHaveLength(30);
      const names = new Set(plan.map(nameOf));
      for (const name of PROCESSES) expect(names).toContain(`kill ${name}`);
      for (const name of LINKS) expect(names).toContain(`cut ${name}`);
      for (const name of [
        'stream-deleted',
        'lost-tail',
        'full-disk',
        'durable-deleted history',
        'durable-deleted notifications',
      ]) {
        expect(names).toContain(name);
      }
      expect(plan.filter(({ kind }) => !isSudden(kind)).length).toBeGreaterThanOrEqual(10 + 5);
    }
  });

  it('lies within its time, in order, and breaks nothing for longer than is said', () => {
    const plan = planOf(OPTIONS);
    expect(plan.map(({ atMs }) => atMs)).toEqual(plan.map(({ atMs }) => atMs).toSorted((a, b) => a - b));
    for (const { atMs, kind, forMs } of plan) {
      expect(atMs).toBeGreaterThanOrEqual(1_000);
      expect(atMs).toBeLessThanOrEqual(OPTIONS.spanMs);
      expect(forMs).toBeLessThanOrEqual(6_000);
      expect(forMs > 0).toBe(!isSudden(kind));
    }
  });

  it('has only what was asked for', () => {
    const plan = planOf({ ...OPTIONS, kinds: ['pause'], kills: 9 });
    expect(plan).toHaveLength(9);
    expect(new Set(plan.map(({ kind }) => kind))).toEqual(new Set(['pause']));
  });
});
