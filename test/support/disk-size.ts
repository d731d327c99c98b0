import { existsSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

export interface LockedPackage {
  dev?: boolean;
  version?: string;
  resolved?: string;
  optionalDependencies?: Record<string, string>;
}

/** Bytes of a folder without the `node_modules` directly in it; a file linked twice counts once. */
function folderBytes(directory: string, counted: Set<number>, top = true): number {
  let bytes = 0;
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) {
      if (!top || entry.name !== 'node_modules') bytes += folderBytes(path, counted, false);
      continue;
    }
    const { size, ino, nlink } = lstatSync(path);
    if (nlink > 1 && counted.has(ino)) continue;
    counted.add(ino);
    bytes += size;
  }
  return bytes;
}

/** Bytes on disk of the locked packages that are installed: `start` of those that are not for development only, `all` of all. */
export function installedBytes(root: string, packages: Readonly<Record<string, LockedPackage>>): { start: number; all: number } {
  const counted = new Set<number>();
  const total = { start: 0, all: 0 };
  for (const [path, { dev }] of Object.entries(packages)) {
    if (path === '' || !existsSync(join(root, path))) continue;
    const bytes = folderBytes(join(root, path), counted);
    total.all += bytes;
    if (!dev) total.start += bytes;
  }
  return total;
}
