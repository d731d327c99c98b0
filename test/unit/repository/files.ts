import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = resolve(fileURLToPath(import.meta.url), '../../../..');

/** The files of this repository, new ones included: path from the root, with `/`. */
export function repositoryFiles(): string[] {
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], { cwd: ROOT, encoding: 'utf8' });
  const paths = listed
    .split('\0')
    .filter((path) => path !== '' && existsSync(join(ROOT, path)) && statSync(join(ROOT, path)).isFile());
  if (paths.length === 0) throw new Error('git lists no files: these tests look at a checkout');
  return [...new Set(paths)];
}

export function bytesOf(path: string): Buffer {
  return readFileSync(join(ROOT, path));
}

export function textOf(path: string): string {
  return bytesOf(path).toString('utf8');
}

/** A file that git would call text. */
export function isText(path: string): boolean {
  return !bytesOf(path).subarray(0, 8_000).includes(0);
}

export function isSource(path: string): boolean {
  return /\.(?:ts|tsx|mts|cts|js|mjs|cjs)$/.test(path);
}
