import type { AdminRequestOf, AdminResult } from '../../shared/contract/admin.ts';
import type { RebuildProgressAnswer } from '../../shared/contract/system.ts';
import { FeedStopped } from '../runtime/archive-feed.ts';
import { wait, within } from '../runtime/backoff.ts';
import { describe, type Log } from '../runtime/log.ts';
import { RebuildRefused, type RebuildProgress } from '../runtime/rebuild.ts';
import type { Time } from '../runtime/time.ts';
import type { AdminLog } from './admin-log.ts';
import { AdminRefused } from './refused.ts';
import type { Deadline } from './responder.ts';

/** Rebuilds that operators asked for, looked after by this process. What becomes of one is seen in the answers about consumers. */

/** before the answer is due: a rebuild that has not begun by then goes on, and is answered as one that is starting */
const ANSWER_MARGIN_MS = 300;
/** a rebuild that was told to end clears up for so long at most; what it leaves then, others remove when it counts as dead */
const STOP_MS_MAX = 7_000;

export interface RebuildRun {
  /** once it is the only one of its read model, and before it changes anything; when that rejects, it ends */
  begun: () => Promise<void>;
  report: (progress: RebuildProgress) => void;
  signal: AbortSignal;
}

export interface RebuildDeskPorts {
  /** names of the read models that can be rebuilt */
  names: readonly string[];
  /** Resolves with the events given once the new one serves. */
  run(name: string, run: RebuildRun): Promise<number>;
  adminLog: AdminLog;
  log: Log;
  time: Time;
}

export class RebuildDesk {
  readonly #ports: RebuildDeskPorts;
  readonly #stop = new AbortController();
  /** the newest of each name */
  readonly #known = new Map<string, RebuildProgressAnswer>();
  readonly #running = new Map<string, Promise<void>>();

  constructor(ports: RebuildDeskPorts) {
    this.#ports = ports;
  }

  list(): RebuildProgressAnswer[] {
    return [...this.#known.values()];
  }

  /** Answers once it has begun, or is still about to. Refuses while another one of the same name runs, here or anywhere. */
  async start(request: AdminRequestOf<'consumers.rebuild'>, { untilMs }: Deadline): Promise<AdminResult<'consumers.rebuild'>> {
    const { names } = this.#ports;
    const { name } = request;
    if (!names.includes(name)) throw new AdminRefused('conflict', `${name} keeps nothing that could be rebuilt.`);
    if (this.#running.has(name)) throw new AdminRefused('conflict', `${name} is being rebuilt already.`);
    if (this.#stop.signal.aborted) throw new AdminRefused('unavailable', 'This process is about to end.');
    const patienceMs = Math.max(0, untilMs - ANSWER_MARGIN_MS - Date.now());
    const asker = { isAnswered: false };
    const failed = await new Promise<unknown>((resolve) => {
      this.#running.set(name, this.#begin(request, asker, resolve));
      void wait(patienceMs).then(() => resolve(undefined));
    });
    asker.isAnswered = true;
    if (failed instanceof RebuildRefused) throw new AdminRefused('conflict', `${failed.message}.`);
    if (failed !== undefined) throw failed;
    return this.#of(name);
  }

  /** Ends what runs: before its swap a rebuild leaves everything as it was. Never rejects. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await within(STOP_MS_MAX, 'ending rebuilds', Promise.all(this.#running.values()), this.#ports.time).catch(() =>
      this.#ports.log('warn', 'stopped within a rebuild: what it leaves goes once it counts as dead'),
    );
  }

  /** Resolves when it is over, and never rejects. `said` is told once: undefined when it has begun, or why it could not. */
  async #begin(
    request: AdminRequestOf<'consumers.rebuild'>,
    asker: { isAnswered: boolean },
    said: (failure: unknown) => void,
  ): Promise<void> {
    const { name } = request;
    const before = this.#known.get(name);
    const startedAt = new Date(this.#ports.time.now()).toISOString();
    this.#known.set(name, { name, status: 'running', phase: 'starting', done: 0, events: 0, startedAt });
    try {
      await this.#run(request, () => said(undefined));
    } catch (error) {
      // it never ran: who was told that it is starting finds out here, and else the one before is remembered
      if (asker.isAnswered) this.#end(name, endOf(error, this.#of(name)));
      else if (before === undefined) this.#known.delete(name);
      else this.#known.set(name, before);
      said(error);
    } finally {
      this.#running.delete(name);
    }
  }

  /** Rejects only when it did not begin. */
  async #run(request: AdminRequestOf<'consumers.rebuild'>, isBegun: () => void): Promise<void> {
    const { adminLog, log, run } = this.#ports;
    const { name, actor, correlationId } = request;
    let hasBegun = false;
    const begun = async (): Promise<void> => {
      await adminLog.write(request, { action: 'consumers.rebuild', target: name, details: {} });
      hasBegun = true;
      log('info', 'a rebuild begins', { consumer: name, actor, correlationId });
      isBegun();
    };
    const report = ({ phase, done, events }: RebuildProgress): void => this.#become(name, { phase, done, events });
    try {
      const events = await run(name, { begun, report, signal: this.#stop.signal });
      this.#end(name, { status: 'completed', done: 1, events });
      log('info', 'a rebuild serves', { consumer: name, events, correlationId });
    } catch (error) {
      if (!hasBegun) throw error;
      this.#end(name, endOf(error, this.#of(name)));
      log('warn', 'a rebuild ended without serving', { consumer: name, correlationId, error: describe(error) });
    }
  }

  #end(name: string, how: Partial<RebuildProgressAnswer>): void {
    this.#become(name, { ...how, endedAt: new Date(this.#ports.time.now()).toISOString() });
  }

  #become(name: string, change: Partial<RebuildProgressAnswer>): void {
    this.#known.set(name, { ...this.#of(name), ...change });
  }

  #of(name: string): RebuildProgressAnswer {
    const rebuild = this.#known.get(name);
    if (rebuild === undefined) throw new Error(`no rebuild of ${name} is known`);
    return rebuild;
  }
}

const SWAPPED = 'the new one serves, but may lack what came in the moment of the swap: rebuild it again';

/** What failed is for the log; what was refused is said. Behind the swap, whatever it was, the new one serves. */
function endOf(error: unknown, { phase }: RebuildProgressAnswer): Partial<RebuildProgressAnswer> {
  if (phase === 'clear') return { status: 'failed', detail: SWAPPED };
  if (error instanceof RebuildRefused) return { status: 'failed', detail: error.message };
  if (error instanceof FeedStopped)
    return { status: 'cancelled', detail: 'its process was told to end: everything is as it was' };
  return { status: 'failed', detail: 'something failed, and the old one serves: the log of the process says what' };
}
