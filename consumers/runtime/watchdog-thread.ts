import { writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';

export interface WatchdogData {
  /** changes while the event loop runs */
  beat: Int32Array<SharedArrayBuffer>;
  stallMsMax: number;
  graceMsMax: number;
}

// whoever starts this thread passes exactly this (watchdog.ts)
const { beat, stallMsMax, graceMsMax } = workerData as WatchdogData;

function standsStill(ms: number): boolean {
  return Atomics.wait(beat, 0, Atomics.load(beat, 0), ms) === 'timed-out';
}

while (!(standsStill(stallMsMax) && standsStill(graceMsMax)));
// not by the process's own streams: those are written by the loop that stands still
writeSync(
  1,
  `${JSON.stringify({ at: new Date().toISOString(), level: 'error', msg: 'the event loop stands still: killed', stallMsMax })}\n`,
);
process.kill(process.pid, 'SIGKILL');
