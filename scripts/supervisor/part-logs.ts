import { closeSync, existsSync, mkdirSync, openSync, renameSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** a log is put aside as .old at this size, replacing the one before */
const LOG_BYTES_MAX = 20 * 1024 * 1024;

export interface PartLogs {
  write(name: string, line: string): void;
  close(): void;
}

/** What the parts print, in one bounded file each: {dataDir}/logs/{part}.log. */
export function openPartLogs(dataDir: string): PartLogs {
  const directory = join(dataDir, 'logs');
  const open = new Map<string, { descriptor: number; bytes: number }>();

  const fileOf = (name: string): { descriptor: number; bytes: number } => {
    const path = join(directory, `${name}.log`);
    let log = open.get(name);
    if (log && log.bytes >= LOG_BYTES_MAX) {
      closeSync(log.descriptor);
      renameSync(path, `${path}.old`);
      log = undefined;
    }
    if (!log) {
      mkdirSync(directory, { recursive: true });
      const bytes = existsSync(path) ? statSync(path).size : 0;
      log = { descriptor: openSync(path, 'a'), bytes };
      open.set(name, log);
    }
    return log;
  };

  return {
    write(name, line) {
      const log = fileOf(name);
      log.bytes += writeSync(log.descriptor, `${line}\n`);
    },
    close() {
      for (const { descriptor } of open.values()) closeSync(descriptor);
      open.clear();
    },
  };
}
