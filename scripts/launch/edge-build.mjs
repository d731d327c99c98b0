// Step 4: the edge bundle, built exactly as for a deployment, and only when something of it changed. OpenTelemetry is in it where
// traces are asked for: its packages are larger than all else of the edge.
import { join } from 'node:path';
import { buildInto, hashOf, isBuilt } from './build-step.mjs';
import { LaunchError, progress, ROOT, seconds, withLock } from './common.mjs';
import { ensureTelemetryPackages } from './telemetry-packages.mjs';

const OUT = join(ROOT, 'dist', 'edge');
const INPUTS = ['scripts/build-edge.mjs', 'package-lock.json', 'tsconfig.base.json', 'worker', 'shared'];

const withTelemetry = (hash) => `${hash} telemetry`;

/** A bundle that can trace serves those too who do not ask for it. */
function isReady(hash, telemetry) {
  return isBuilt(OUT, withTelemetry(hash)) || (!telemetry && isBuilt(OUT, hash));
}

/** Leaves the bundle in dist/edge: index.js, and telemetry.js with OpenTelemetry or without. */
export async function ensureEdgeBundle({ telemetry = false } = {}) {
  if (telemetry) await ensureTelemetryPackages();
  if (isReady(hashOf(INPUTS), telemetry)) return;
  await withLock(join(ROOT, 'dist', 'edge.lock'), async () => {
    const hash = hashOf(INPUTS);
    if (isReady(hash, telemetry)) return;
    const startedAtMs = Date.now();
    progress('building the edge');
    const args = telemetry ? [] : ['--without-telemetry'];
    const error = await buildInto(OUT, ['build-edge.mjs', ...args], telemetry ? withTelemetry(hash) : hash);
    if (error !== undefined) throw new LaunchError(`the edge does not build:\n${error}`);
    progress(`edge built in ${seconds(startedAtMs)}`);
  });
}
