import { Worker } from 'node:worker_threads';
import { describe, type Log } from './log.ts';
import type { WatchdogData } from './watchdog-thread.ts';

export interface WatchdogBounds {
  /** an event loop that ran nothing for so long is suspected */
  stallMsMax: number;
  /** and for so much longer is at an end: a process that was stopped and goes on, or a machine that slept, has this to show itself */
  graceMsMax: number;
}

const BOUNDS: WatchdogBounds = { stallMsMax: 60_000, graceMsMax: 10_000 };
/** beats within the time of a stall: one that is late is no stall */
const BEATS = 10;

/**
 * Ends this process, as SIGKILL does, when its event loop stands still: code that loops for ever could not be ended by any timer of
 * its own, and would keep everything that the process has in hand. Whoever supervises starts it again, the messages come again, and
 * the one that did it is found by its count of deliveries (design decision 12).
 */
export function watchEventLoop(log: Log, { stallMsMax, graceMsMax }: WatchdogBounds = BOUNDS): void {
  const beat = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const workerData: WatchdogData = { beat, stallMsMax, graceMsMax };
  const thread = new Worker(new URL('./watchdog-thread.ts', import.meta.url), { workerData, execArgv: [] });
  // the work itself is not worse for it
  thread.on('error', (error) => log('error', 'nobody watches the event loop', { error: describe(error) }));
  thread.unref();
  setInterval(() => {
    Atomics.add(beat, 0, 1);
    Atomics.notify(beat, 0);
  }, stallMsMax / BEATS).unref();
}
