import { StoreUnavailable } from '../../consumers/stores/store-unavailable.ts';
import type { Delivery } from '../../consumers/runtime/projection.ts';
import type { OpenedReadModel, ReadModel } from '../../consumers/runtime/read-model.ts';
import { isErased, type Event } from '../../shared/core/types.ts';
import type { Build } from './builds.ts';
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
  /** by session and seq, as it was stored: the newest form of the event, which is the erased one where both came */
  readonly events = new Map<string, Map<number, Event>>();
  /** by session and seq of a message: what the build that took it last made of it */
  readonly languages = new Map<string, string>();

  constructor(world: World) {
    this.#world = world;
  }

  holds(sessionId: string, seq: number): boolean {
    return this.events.get(sessionId)?.has(seq) === true;
  }

  readModel(machine: Machine, network: Network, build: Build): ReadModel {
    return { name: WITNESS, open: async () => await Promise.resolve(this.#opened(machine, network, build)) };
  }

  #opened(machine: Machine, network: Network, build: Build): OpenedReadModel {
    const { faults } = this.#world;
    const call = { from: machine, to: 'store', what: 'witness', timeoutMs: CALL_MS_MAX, crash: 'worker-crash' } as const;
    return {
      projection: {
        name: WITNESS,
        types: 'all',
        handle: async (batch) => {
          await network.call(call, () => {
            if (faults.strikes('store-fails')) throw new StoreUnavailable('simulated: no answer');
            for (const delivery of batch) this.#write(delivery, build);
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

  #write({ event, stored = event }: Delivery, build: Build): void {
    const session = this.events.get(event.sessionid) ?? new Map<number, Event>();
    this.events.set(event.sessionid, session);
    session.set(event.seq, stored);
    if (event.type !== 'message.created') return;
    const name = `${event.sessionid} ${event.seq}`;
    if (isErased(event)) this.languages.delete(name);
    else this.languages.set(name, build.languageOf({ ...event.data }));
  }
}
