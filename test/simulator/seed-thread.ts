import { parentPort } from 'node:worker_threads';
import { describeError } from './world.ts';
import { simulate, type Options, type Report } from './run.ts';

export interface Ask {
  seed: number;
  options: Options;
}

/** `fault`: the simulator itself fell over */
export type Told = { report: Report } | { seed: number; fault: string };

/** One of several threads that run seeds: each seed is a world of its own, so they share nothing. */
parentPort?.on('message', ({ seed, options }: Ask) => {
  simulate(seed, options).then(
    (report) => tell({ report }),
    (error: unknown) => tell({ seed, fault: error instanceof Error ? (error.stack ?? error.message) : describeError(error) }),
  );
});

function tell(told: Told): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread of Node, and no window
  parentPort?.postMessage(told);
}
