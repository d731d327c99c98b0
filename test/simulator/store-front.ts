import { StoreUnavailable } from '../../consumers/stores/store-unavailable.ts';
import type { Machine } from './machine.ts';
import type { Network } from './network.ts';
import type { World } from './world.ts';

const CALL_MS_MAX = 12_000;
const SLOW_MS_MAX = 40_000;

/** What stands before one database: the network, and what is wrong with it for a while. */
export class StoreFront {
  readonly name: string;
  readonly world: World;
  readonly #network: Network;
  awayUntilMs = 0;

  constructor(name: string, world: World, network: Network) {
    this.name = name;
    this.world = world;
    this.#network = network;
  }

  get isAway(): boolean {
    return this.awayUntilMs > this.world.nowMs;
  }

  /** A call that may be late, lost or refused; what it asks for happens, or does not. */
  async ask<T>(from: Machine, what: string, effect: () => Promise<T>): Promise<T> {
    return await this.#call(from, what, async () => {
      if (this.world.faults.strikes('store-fails')) throw new StoreUnavailable('simulated: no answer');
      return await effect();
    });
  }

  /** The same of a write, of which a part may have happened, or all of it, when it fails. */
  async write<T>(from: Machine, batch: readonly T[], effect: (part: readonly T[]) => Promise<unknown>): Promise<void> {
    const { faults } = this.world;
    await this.#call(from, 'write', async () => {
      if (faults.strikes('store-fails')) throw new StoreUnavailable('simulated: no answer');
      if (faults.strikes('store-writes-a-part')) {
        await effect(batch.slice(0, this.world.between(0, batch.length - 1)));
        throw new StoreUnavailable('simulated: part of it is written');
      }
      await effect(batch);
      if (faults.strikes('store-fails-after-writing')) throw new Error('simulated: written, and then the connection broke');
    });
  }

  async #call<T>(from: Machine, what: string, effect: () => Promise<T>): Promise<T> {
    const { world } = this;
    const call = {
      from,
      to: 'store',
      what: `${this.name} ${what}`,
      timeoutMs: CALL_MS_MAX,
      crash: 'worker-crash',
    } as const;
    return await this.#network.call(call, async () => {
      if (world.faults.strikes('store-slow')) {
        const ms = world.between(100, SLOW_MS_MAX);
        await new Promise<void>((resolve) => void world.clock.after(ms, resolve));
      }
      if (this.isAway) throw new StoreUnavailable('simulated: connection refused');
      return await effect();
    });
  }
}
