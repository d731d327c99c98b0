// openapi-typescript, in the tools cache: for a test of the client's types, and for nothing that runs.
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OPENAPI_TYPESCRIPT_PACKAGES } from '../versions.mjs';
import { gist, LaunchError, npmCommand, npmEnvironment, run, toolsDir, withLock } from './common.mjs';

const INSTALL_MS_MAX = 5 * 60_000;

/** Installs it unless it is there, and answers the file to run with Node. Throws a LaunchError when it cannot be had. */
export async function ensureOpenapiTypescript() {
  const folder = join(toolsDir(), OPENAPI_TYPESCRIPT_PACKAGES.join('-').replaceAll('@', '-'));
  const bin = join(folder, 'node_modules', 'openapi-typescript', 'bin', 'cli.js');
  if (existsSync(bin)) return bin;
  await withLock(`${folder}.lock`, async () => {
    if (existsSync(bin)) return;
    const fresh = `${folder}.new`;
    rmSync(fresh, { recursive: true, force: true });
    mkdirSync(fresh, { recursive: true });
    writeFileSync(join(fresh, 'package.json'), '{"private":true}\n');
    const npm = npmCommand();
    const args = [...npm.args, 'install', '--no-audit', '--no-fund', '--loglevel=error', ...OPENAPI_TYPESCRIPT_PACKAGES];
    const { code, output } = await run(npm.command, args, { cwd: fresh, env: npmEnvironment(), timeoutMs: INSTALL_MS_MAX });
    if (code !== 0) throw new LaunchError(`openapi-typescript cannot be installed (${gist(output)}): check the npm registry`);
    renameSync(fresh, folder);
  });
  return bin;
}
