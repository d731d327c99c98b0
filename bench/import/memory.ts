import { readFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';

/** Does a process grow with what passes through it? */

export interface MemoryUse {
  /** mean resident bytes in the first quarter of the time, and in the last */
  firstBytes: number;
  lastBytes: number;
  peakBytes: number;
  samples: number;
}

/** Undefined of fewer samples than there are quarters. */
export function memoryUse(resident: readonly number[]): MemoryUse | undefined {
  const quarter = Math.floor(resident.length / 4);
  if (quarter === 0) return undefined;
  return {
    firstBytes: mean(resident.slice(0, quarter)),
    lastBytes: mean(resident.slice(-quarter)),
    peakBytes: Math.max(...resident),
    samples: resident.length,
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** What a live process keeps in memory, in bytes; undefined when it has ended. */
export function residentBytes(pid: number): number | undefined {
  try {
    const kib =
      process.platform === 'linux'
        ? /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]
        : execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    return kib === undefined || kib === '' ? undefined : Number(kib) * 1024;
  } catch {
    return undefined;
  }
}
