import type { RebuildProgressAnswer } from '../../shared/contract/system.ts';
import { within } from '../runtime/backoff.ts';
import { every, type Time } from '../runtime/time.ts';
import type { ProcessReport, RoleReport } from './report.ts';

/** how often each store is looked at: what was seen then is what is said, so that a question costs no store anything */
const PROBE_EVERY_MS = 15_000;
/** a store that says nothing for so long is down */
const PROBE_MS_MAX = 3_000;

interface Role {
  state: RoleReport['state'];
  sinceMs: number;
  store?: { isUp: boolean; sinceMs: number };
  /** never rejects */
  healthy?: () => Promise<boolean>;
  isProbed: boolean;
}

/** What this process knows of its roles: kept by those that start them, read by whoever asks how they are. */
export class RoleBook {
  readonly #roles: Map<string, Role>;
  readonly #time: Time;
  readonly #worker: string;
  #rebuilds: () => RebuildProgressAnswer[] = () => [];

  /** every role there is, also those that other processes have */
  readonly known: readonly string[];

  constructor({ roles, known }: { roles: readonly string[]; known: readonly string[] }, worker: string, time: Time) {
    this.known = known;
    this.#worker = worker;
    this.#time = time;
    const nowMs = time.now();
    this.#roles = new Map(roles.map((role) => [role, { state: 'starting', sinceMs: nowMs, isProbed: false }]));
  }

  /** All that the role is made of runs. */
  running(name: string): void {
    const role = this.#roles.get(name);
    if (role === undefined || role.state === 'running') return;
    role.state = 'running';
    role.sinceMs = this.#time.now();
  }

  /** It has a store, and this is how that is. `healthy` never rejects. */
  storeOpened(name: string, healthy: () => Promise<boolean>): void {
    const role = this.#roles.get(name);
    if (role === undefined) return;
    role.healthy = healthy;
    this.#storeIs(role, true);
  }

  /** Its store could not be opened; it is tried again. */
  storeFailed(name: string): void {
    const role = this.#roles.get(name);
    if (role !== undefined) this.#storeIs(role, false);
  }

  /** Who knows of rebuilds in this process. */
  rebuildsFrom(list: () => RebuildProgressAnswer[]): void {
    this.#rebuilds = list;
  }

  report(): ProcessReport {
    const roles = [...this.#roles].map(([role, { state, sinceMs, store }]) => ({
      role,
      state,
      sinceMs,
      ...(store === undefined ? {} : { store: { ...store } }),
    }));
    return { v: 1, worker: this.#worker, roles, rebuilds: this.#rebuilds() };
  }

  /** Looks at the stores from now on; what it answers ends that. */
  watch(): () => void {
    return every(PROBE_EVERY_MS, () => void this.probe(), this.#time);
  }

  /** One look at each store. Never rejects. */
  async probe(): Promise<void> {
    await Promise.all([...this.#roles.values()].map(async (role) => await this.#probe(role)));
  }

  async #probe(role: Role): Promise<void> {
    if (role.healthy === undefined || role.isProbed) return;
    role.isProbed = true;
    // one look at a time: a store that hangs is not asked again until it has answered
    const looking = role.healthy().finally(() => {
      role.isProbed = false;
    });
    try {
      this.#storeIs(role, await within(PROBE_MS_MAX, 'a look at a store', looking, this.#time));
    } catch {
      this.#storeIs(role, false);
    }
  }

  #storeIs(role: Role, isUp: boolean): void {
    if (role.store?.isUp !== isUp) role.store = { isUp, sinceMs: this.#time.now() };
  }
}
