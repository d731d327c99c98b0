import type { JetStreamManager } from '@nats-io/jetstream';
import type { PartsAnswer } from '../../shared/contract/internal.ts';
import type { NamedConsumer } from '../durables.ts';
import type { ProcessReport } from '../pulse/report.ts';
import { within } from '../runtime/backoff.ts';
import { infoOf } from '../runtime/durable-look.ts';
import { stateOfStream } from '../runtime/stream-state.ts';

/**
 * Which parts behind the edge are ready, each by name: `stream:…` and `durable:…` are on the server, a `worker:…` of the role runs and
 * answers, a `store:…` could be written to when its worker last looked.
 */

/** of one question to the server */
const PART_MS_MAX = 1_000;
/** a process that is busy may miss one question; a role of which nobody answered for so long has no worker */
export const WORKER_SILENT_MS_MAX = 10_000;

export type Parts = PartsAnswer['parts'];

export interface PartsPorts {
  manager: JetStreamManager;
  streams: readonly string[];
  durables: readonly NamedConsumer[];
  /** roles without which something that users are promised stands still */
  workers: readonly string[];
  /** those of them that write to a store */
  stores: readonly string[];
  /** what all processes of the consumers say; rejects when they cannot be asked */
  pulse(): Promise<ProcessReport[]>;
  now(): number;
}

export class PartsWatch {
  readonly #ports: PartsPorts;
  /** by role: when a worker of it last said that it runs, and how its store was */
  readonly #heard = new Map<string, { atMs: number; isStoreUp: boolean }>();

  constructor(ports: PartsPorts) {
    this.#ports = ports;
  }

  /** Never rejects: what cannot be seen is not ready. */
  async look(): Promise<Parts> {
    const { durables, manager, stores, streams, workers } = this.#ports;
    const [seen] = await Promise.all([
      Promise.all([
        ...streams.map(async (name) => await part(`stream:${name}`, stateOfStream(manager, name))),
        ...durables.map(async (durable) => await part(`durable:${durable.name}`, infoOf(manager, durable))),
      ]),
      this.#listen(),
    ]);
    const heard = workers.map((role): [string, boolean] => [`worker:${role}`, this.#isHeard(role)]);
    const up = stores.map((role): [string, boolean] => [`store:${role}`, this.#isHeard(role) && this.#isStoreUp(role)]);
    return Object.fromEntries([...seen, ...heard, ...up].map(([name, isReady]) => [name, isReady ? 'ok' : 'unavailable']));
  }

  async #listen(): Promise<void> {
    const { now, pulse } = this.#ports;
    // who cannot be asked was not heard
    const roles = (await pulse().catch((): ProcessReport[] => [])).flatMap((report) => report.roles);
    const running = roles.filter(({ state }) => state === 'running');
    for (const role of new Set(running.map((each) => each.role))) {
      const isStoreUp = running.some((each) => each.role === role && each.store?.isUp === true);
      this.#heard.set(role, { atMs: now(), isStoreUp });
    }
  }

  #isHeard(role: string): boolean {
    const heard = this.#heard.get(role);
    return heard !== undefined && this.#ports.now() - heard.atMs <= WORKER_SILENT_MS_MAX;
  }

  #isStoreUp(role: string): boolean {
    return this.#heard.get(role)?.isStoreUp === true;
  }
}

/** Undefined is not there. */
async function part(name: string, look: Promise<unknown>): Promise<[string, boolean]> {
  try {
    return [name, (await within(PART_MS_MAX, name, look)) !== undefined];
  } catch {
    return [name, false];
  }
}
