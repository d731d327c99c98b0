import { Millrace, type MillraceOptions } from '../../../client/index.ts';
import { SimulatedClock, seeded } from './simulator/clock.ts';
import { ModelEdge } from './simulator/edge.ts';
import { HEALED, Machine } from './simulator/network.ts';

/** A model server with a session `s` of ann, ben and cleo, and one client of ann, on simulated time. */
export interface World {
  clock: SimulatedClock;
  edge: ModelEdge;
  machine: Machine;
  client: Millrace;
  /** lets simulated time pass */
  pass(ms: number): Promise<void>;
  /** somebody else does something, at once */
  other(name: string, data: object, actor?: string): void;
}

export function newWorld(options: Partial<MillraceOptions> = {}, seed = 1): World {
  const random = seeded(seed);
  const clock = new SimulatedClock();
  const edge = new ModelEdge(clock);
  const members = ['ben', 'cleo'].map((userId) => ({ userId, role: 'member' }));
  edge.session.execute({ id: 'ann', kind: 'user' }, 'session.create', { title: 'A world', members }, 'create');
  const machine = new Machine(clock, edge, random, 'ann', HEALED);
  const client = new Millrace({ ...machine.options(), ...options });
  return {
    clock,
    edge,
    machine,
    client,
    pass: (ms) => clock.run(clock.nowMs + ms),
    other(name, data, actor = 'ben') {
      const result = edge.session.execute({ id: actor, kind: 'user' }, name, data, undefined);
      if (!result.ok) throw new Error(`${name}: ${result.refusal.detail}`);
    },
  };
}
