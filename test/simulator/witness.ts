import { StoreUnavailable } from '../../consumers/stores/store-unavailable.ts';
import type { OpenedReadModel, Platform, ReadModel } from '../../consumers/runtime/read-model.ts';
import type { Event } from '../../shared/core/types.ts';
import type { Machine } from './machine.ts';
import type { Network } from './network.ts';
import type { World } from './world.ts';

const CALL_MS_MAX = 5_000;
export const WITNESS = 'witness';

/**
 * A second read model, which only writes down what it was given: what the runtime and the guard bring to read models whose
 * store is not the archive. Its store fails as others do.
 */
export class Witness {
  readonly #world: World;
  /** by session and seq: the newest form of the event, which is the erased one where both came */
  readonly events = new Map<string, Map<number, Event>>();

  constructor(world: World) {
    this.#world = world;
  }

  holds(sessionId: string, seq: number): boolean {
    return this.events.get(sessionId)?.has(seq) === true;
  }

  readModel(machine: Machine, network: Network): ReadModel {
    return { name: WITNESS, open: async (platform) => await Promise.resolve(this.#opened(machine, network, platform)) };
  }

  #opened(machine: Machine, network: Network, _platform: Platform): OpenedReadModel {
    const { faults } = this.#world;
    const call = { from: machine, to: 'store', what: 'witness', timeoutMs: CALL_MS_MAX, crash: 'worker-crash' } as const;
    return {
      projection: {
        name: WITNESS,
        types: 'all',
        handle: async (batch) => {
          await network.call(call, () => {
            if (faults.strikes('store-fails')) throw new StoreUnavailable('simulated: no answer');
            for (const { event } of batch) this.#write(event);
            if (faults.strikes('store-fails-after-writing')) throw new StoreUnavailable('simulated: written, and no answer');
          });
          return batch.map(() => ({ kind: 'ok' as const }));
        },
        healthy: async () => {
          return await network.call(call, () => true).catch(() => false);
        },
      },
      close: async () => await Promise.resolve(),
    };
  }

  #write(event: Event): void {
    const session = this.events.get(event.sessionid) ?? new Map<number, Event>();
    this.events.set(event.sessionid, session);
    session.set(event.seq, event);
  }
}
