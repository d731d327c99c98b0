// Step 2: the locked dependencies.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gist, LaunchError, npmCommand, npmEnvironment, progress, ROOT, run, seconds, withLock } from './common.mjs';

const INSTALL_MS_MAX = 15 * 60_000;
const MODULES = join(ROOT, 'node_modules');
const STAMP = join(MODULES, '.millrace-install.json');

function lockHash() {
  return createHash('sha256').update(readFileSync(join(ROOT, 'package-lock.json'))).digest('hex');
}

function isInstalled(mode) {
  if (!existsSync(STAMP)) return false;
  const stamp = JSON.parse(readFileSync(STAMP, 'utf8'));
  return stamp.lock === lockHash() && (stamp.mode === 'full' || stamp.mode === mode);
}

/** `mode` is 'production' or 'full'; a full install serves both. */
export async function ensureDependencies(mode) {
  // For tests of the launcher itself: an install would pull the modules from under the tests that run it.
  if (process.env.MILLRACE_SKIP_INSTALL || isInstalled(mode)) return;
  await withLock(join(ROOT, 'dist', 'install.lock'), async () => {
    if (isInstalled(mode)) return;
    const startedAtMs = Date.now();
    progress(mode === 'full' ? 'installing locked dependencies (about 400 MB on disk)' : 'installing locked dependencies (about 240 MB on disk)');
    const npm = npmCommand();
    const args = [...npm.args, 'ci', '--no-audit', '--no-fund', '--loglevel=error', ...(mode === 'full' ? ['--include=dev'] : ['--omit=dev'])];
    const { code, output } = await run(npm.command, args, { cwd: ROOT, env: npmEnvironment(), timeoutMs: INSTALL_MS_MAX });
    if (code !== 0) throw new LaunchError(`npm ci failed (${gist(output)}): check the npm registry and that package-lock.json is unchanged`);
    writeFileSync(STAMP, JSON.stringify({ lock: lockHash(), mode }));
    progress(`dependencies installed in ${seconds(startedAtMs)}`);
  });
}
