// Step 4: the edge bundle, built exactly as for a deployment, and only when something of it changed. OpenTelemetry is in it where
// traces are asked for: its packages are larger than all else of the edge.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gist, LaunchError, progress, ROOT, run, seconds, withLock } from './common.mjs';
import { ensureTelemetryPackages } from './telemetry-packages.mjs';

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
        if (/\.\w+$/.test(file) && !file.includes('node_modules')) add(join(input, file));
  }
  return hash.digest('hex');
}

/** A bundle that can trace serves those too who do not ask for it. */
function isBuilt(telemetry) {
  const stamp = join(OUT, 'stamp');
  if (!existsSync(stamp)) return false;
  const [hash, has] = readFileSync(stamp, 'utf8').split(' ');
  return hash === inputsHash() && (!telemetry || has === 'telemetry');
}

/** Leaves the bundle in dist/edge: index.js, and telemetry.js with OpenTelemetry or without. */
export async function ensureEdgeBundle({ telemetry = false } = {}) {
  if (telemetry) await ensureTelemetryPackages();
  if (isBuilt(telemetry)) return;
  await withLock(join(ROOT, 'dist', 'edge.lock'), async () => {
    if (isBuilt(telemetry)) return;
    const startedAtMs = Date.now();
    progress('building the edge');
    const hash = inputsHash();
    const fresh = join(ROOT, 'dist', 'edge.new');
    rmSync(fresh, { recursive: true, force: true });
    mkdirSync(fresh, { recursive: true });
    const { code, output } = await run(
      process.execPath,
      [join(ROOT, 'scripts', 'build-edge.mjs'), fresh, ...(telemetry ? [] : ['--without-telemetry'])],
      {
        cwd: ROOT,
        timeoutMs: BUILD_MS_MAX,
      },
    );
    if (code !== 0) throw new LaunchError(`the edge does not build:\n${output.trim() || gist(output)}`);
    writeFileSync(join(fresh, 'stamp'), telemetry ? `${hash} telemetry` : hash);
    rmSync(OUT, { recursive: true, force: true });
    renameSync(fresh, OUT);
    progress(`edge built in ${seconds(startedAtMs)}`);
  });
}
