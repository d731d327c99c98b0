import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** A file system of its own for one directory, small enough to be filled. */
export interface SmallDisk {
  fill(): void;
  free(): void;
  unmount(): void;
}

const FILL_BYTES = 64 * 1024;

/** Mounts it, or answers why that cannot be done here. */
export function mountSmallDisk(directory: string, bytes: number): SmallDisk | string {
  mkdirSync(directory, { recursive: true });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', directory], { stdio: 'pipe' });
  } catch (error) {
    return `no tmpfs can be mounted here: ${error instanceof Error ? (error.message.split('\n')[1] ?? error.message) : String(error)}`;
  }
  const filler = join(directory, 'filler');
  return {
    fill() {
      const file = openSync(filler, 'a');
      try {
        fillUp(file);
      } finally {
        closeSync(file);
      }
    },
    free: () => rmSync(filler, { force: true }),
    // lazily: a process that was just killed may still have a file open
    unmount: () => void execFileSync('umount', ['-l', directory], { stdio: 'pipe' }),
  };
}

function fillUp(file: number): void {
  // to the last byte: what is written afterwards must find nothing
  for (let bytes = FILL_BYTES; bytes >= 1;) {
    try {
      writeSync(file, Buffer.alloc(bytes));
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
      bytes = Math.floor(bytes / 2);
    }
  }
}
