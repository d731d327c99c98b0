// What the builds of edge and pages share: a stamp over all that goes in, and a folder that appears at once or not at all.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, run } from './common.mjs';

const BUILD_MS_MAX = 5 * 60_000;

function filesIn(folder) {
  return readdirSync(join(ROOT, folder), { recursive: true })
    .filter((file) => /\.\w+$/.test(file) && !/(?:^|[\\/])(?:node_modules|dist)(?:[\\/]|$)/.test(file))
    .sort((a, b) => (a < b ? -1 : 1))
    .map((file) => join(folder, file));
}

/** Hash of files, and of every file in folders, by path and content. */
export function hashOf(inputs) {
  const hash = createHash('sha256');
  for (const input of inputs)
    for (const path of /\.\w+$/.test(input) ? [input] : filesIn(input))
      hash
        .update(`${path}\0`)
        .update(readFileSync(join(ROOT, path)))
        .update('\0');
  return hash.digest('hex');
}

export function isBuilt(folder, hash) {
  const stamp = join(folder, 'stamp');
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === hash;
}

/** Runs a script with a fresh folder as its first argument, and puts that in the place of `folder`. Answers what went wrong. */
export async function buildInto(folder, [script, ...args], hash) {
  const fresh = `${folder}.new`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  const { code, output } = await run(process.execPath, [join(ROOT, 'scripts', script), fresh, ...args], {
    cwd: ROOT,
    timeoutMs: BUILD_MS_MAX,
  });
  if (code !== 0) return output.trim() || `${script} ended with exit code ${code}`;
  writeFileSync(join(fresh, 'stamp'), hash);
  rmSync(folder, { recursive: true, force: true });
  renameSync(fresh, folder);
  return undefined;
}
