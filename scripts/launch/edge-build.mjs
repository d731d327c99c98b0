// Step 4: the edge bundle, built exactly as for a deployment, and only when something of it changed.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gist, LaunchError, progress, ROOT, run, seconds, withLock } from './common.mjs';

const BUILD_MS_MAX = 5 * 60_000;
const OUT = join(ROOT, 'dist', 'edge');
const INPUTS = ['scripts/build-edge.mjs', 'package-lock.json', 'tsconfig.base.json', 'worker', 'shared'];

/** Hash of every file that goes into the bundle, by path and content. */
function inputsHash() {
  const hash = createHash('sha256');
  const add = (path) => {
    hash
      .update(`${path}\0`)
      .update(readFileSync(join(ROOT, path)))
      .update('\0');
  };
  for (const input of INPUTS) {
    if (/\.\w+$/.test(input)) add(input);
    else
      for (const file of readdirSync(join(ROOT, input), { recursive: true }).sort((a, b) => (a < b ? -1 : 1)))
        if (/\.\w+$/.test(file)) add(join(input, file));
  }
  return hash.digest('hex');
}

function isBuilt() {
  const stamp = join(OUT, 'stamp');
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === inputsHash();
}

/** Leaves the bundle in dist/edge/index.js. */
export async function ensureEdgeBundle() {
  if (isBuilt()) return;
  await withLock(join(ROOT, 'dist', 'edge.lock'), async () => {
    if (isBuilt()) return;
    const startedAtMs = Date.now();
    progress('building the edge');
    const hash = inputsHash();
    const fresh = join(ROOT, 'dist', 'edge.new');
    rmSync(fresh, { recursive: true, force: true });
    mkdirSync(fresh, { recursive: true });
    const { code, output } = await run(process.execPath, [join(ROOT, 'scripts', 'build-edge.mjs'), fresh], {
      cwd: ROOT,
      timeoutMs: BUILD_MS_MAX,
    });
    if (code !== 0) throw new LaunchError(`the edge does not build:\n${output.trim() || gist(output)}`);
    writeFileSync(join(fresh, 'stamp'), hash);
    rmSync(OUT, { recursive: true, force: true });
    renameSync(fresh, OUT);
    progress(`edge built in ${seconds(startedAtMs)}`);
  });
}
