// Packages of a folder with a lock file of its own, installed only where something needs them.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gist, npmCommand, npmEnvironment, progress, ROOT, run, seconds } from './common.mjs';

const INSTALL_MS_MAX = 5 * 60_000;

const stampOf = (folder) => join(ROOT, folder, 'node_modules', '.millrace-install');

function lockHash(folder) {
  return createHash('sha256')
    .update(readFileSync(join(ROOT, folder, 'package-lock.json')))
    .digest('hex');
}

/** As locked now. */
export function isInstalledIn(folder) {
  return existsSync(stampOf(folder)) && readFileSync(stampOf(folder), 'utf8') === lockHash(folder);
}

/** Whatever was locked then. */
export function wasInstalledIn(folder) {
  return existsSync(stampOf(folder));
}

/** Answers why they cannot be installed, or undefined. `what` is what they are, for people. */
export async function installIn(folder, what) {
  const startedAtMs = Date.now();
  const npm = npmCommand();
  const args = [...npm.args, 'ci', '--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline', '--loglevel=error'];
  const cwd = join(ROOT, folder);
  const { code, output } = await run(npm.command, args, { cwd, env: npmEnvironment(), timeoutMs: INSTALL_MS_MAX });
  if (code !== 0) return `npm ci in ${folder} failed (${gist(output)}): check the npm registry`;
  writeFileSync(stampOf(folder), lockHash(folder));
  progress(`${folder}: ${what} installed in ${seconds(startedAtMs)}`);
  return undefined;
}
