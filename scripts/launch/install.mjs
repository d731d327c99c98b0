// Step 2: the locked dependencies.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gist, LaunchError, npmCommand, npmEnvironment, progress, ROOT, run, seconds, withLock } from './common.mjs';

const INSTALL_MS_MAX = 15 * 60_000;
const LOCK = join(ROOT, 'package-lock.json');
const MODULES = join(ROOT, 'node_modules');
const STAMP = join(MODULES, '.millrace-install.json');
/** npm's own note of what it put there */
const NPM_NOTE = join(MODULES, '.package-lock.json');

function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

function lockHash() {
  return createHash('sha256').update(readFileSync(LOCK)).digest('hex');
}

/** True when npm's note has each locked package that `mode` needs, at its locked version: then somebody ran npm by hand. */
function isInstalledByHand(mode) {
  const installed = readJson(NPM_NOTE)?.packages;
  if (!installed) return false;
  return Object.entries(readJson(LOCK)?.packages ?? {}).every(([path, { version, dev, optional, devOptional }]) => {
    const needed = path !== '' && !optional && !devOptional && (mode === 'full' || !dev);
    return !needed || installed[path]?.version === version;
  });
}

function isInstalled(mode) {
  const stamp = readJson(STAMP);
  if (stamp?.lock === lockHash() && (stamp.mode === 'full' || stamp.mode === mode)) return true;
  return isInstalledByHand(mode);
}

/** Packages for development that are already there must not be taken away by a start: somebody works here. */
function modeToInstall(mode) {
  const hasDevelopment = Object.values(readJson(NPM_NOTE)?.packages ?? {}).some(({ dev }) => dev);
  return hasDevelopment || readJson(STAMP)?.mode === 'full' ? 'full' : mode;
}

/** `mode` is 'production' or 'full'; a full install serves both. */
export async function ensureDependencies(mode) {
  // For tests of the launcher itself: an install would pull the modules from under the tests that run it.
  if (process.env.MILLRACE_SKIP_INSTALL || isInstalled(mode)) return;
  await withLock(join(ROOT, 'dist', 'install.lock'), async () => {
    if (isInstalled(mode)) return;
    const startedAtMs = Date.now();
    const wanted = modeToInstall(mode);
    progress(`installing locked dependencies (about ${wanted === 'full' ? 400 : 240} MB on disk)`);
    const npm = npmCommand();
    const include = wanted === 'full' ? '--include=dev' : '--omit=dev';
    const args = [...npm.args, 'ci', '--no-audit', '--no-fund', '--loglevel=error', include];
    const { code, output } = await run(npm.command, args, { cwd: ROOT, env: npmEnvironment(), timeoutMs: INSTALL_MS_MAX });
    if (code !== 0)
      throw new LaunchError(`npm ci failed (${gist(output)}): check the npm registry and that package-lock.json is unchanged`);
    writeFileSync(STAMP, JSON.stringify({ lock: lockHash(), mode: wanted }));
    progress(`dependencies installed in ${seconds(startedAtMs)}`);
  });
}
