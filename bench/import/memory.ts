import { readFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';

/** Does a process grow with what passes through it? */

export interface MemorySample {
  /** of the import, in 0…1 */
  done: number;
  bytes: number;
}

export interface MemoryUse {
  /** mean resident bytes when 20 to 40 % of the import were done, and in its last fifth: what a process needs to warm up is before */
  firstBytes: number;
  lastBytes: number;
  peakBytes: number;
  samples: number;
}

/** Undefined where a part has no sample. */
export function memoryUse(samples: readonly MemorySample[]): MemoryUse | undefined {
  const within = (from: number, to: number): number[] =>
    samples.filter(({ done }) => done >= from && done < to).map(({ bytes }) => bytes);
  const [first, last] = [within(0.2, 0.4), within(0.8, Infinity)];
  if (first.length === 0 || last.length === 0) return undefined;
  return {
    firstBytes: mean(first),
    lastBytes: mean(last),
    peakBytes: Math.max(...samples.map(({ bytes }) => bytes)),
    samples: samples.length,
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
