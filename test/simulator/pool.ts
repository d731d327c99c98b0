import { Worker } from 'node:worker_threads';
import type { Options } from './run.ts';
import type { Ask, Told } from './seed-thread.ts';

/** Runs seeds on so many threads, and hands over each report as it comes; ends early once `told` says so. */
export async function runSeeds(
  seeds: Iterable<number>,
  options: Options,
  jobs: number,
  told: (told: Told) => 'go on' | 'stop',
): Promise<void> {
  const left = seeds[Symbol.iterator]();
  let stopped = false;
  const lane = async (): Promise<void> => {
    const thread = new Worker(new URL('seed-thread.ts', import.meta.url));
    try {
      for (;;) {
        const next = left.next();
        if (stopped || next.done === true) return;
        if (told(await one(thread, { seed: next.value, options })) === 'stop') stopped = true;
      }
    } finally {
      await thread.terminate();
    }
  };
  await Promise.all(Array.from({ length: jobs }, lane));
}

async function one(thread: Worker, ask: Ask): Promise<Told> {
  return await new Promise((resolve, reject) => {
    const settle = (message: Told): void => {
      thread.off('error', reject);
      resolve(message);
    };
    thread.once('message', settle);
    thread.once('error', reject);
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread of Node, and no window
    thread.postMessage(ask);
  });
}
