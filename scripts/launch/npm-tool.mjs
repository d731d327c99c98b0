// npm packages in the tools cache: for what asks for them, and never a dependency.
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gist, LaunchError, npmCommand, npmEnvironment, run, toolsDir, withLock } from './common.mjs';

const INSTALL_MS_MAX = 5 * 60_000;

/** Installs the packages, versions and all, unless they are there, and answers the path of `file` in them. Throws a LaunchError when they cannot be had. */
export async function ensureNpmTool(name, packages, file) {
  const folder = join(toolsDir(), packages.join('-').replaceAll(/[@/]/g, '-'));
  const path = join(folder, 'node_modules', ...file.split('/'));
  if (existsSync(path)) return path;
  await withLock(`${folder}.lock`, async () => {
    if (existsSync(path)) return;
    const fresh = `${folder}.new`;
    rmSync(fresh, { recursive: true, force: true });
    mkdirSync(fresh, { recursive: true });
    writeFileSync(join(fresh, 'package.json'), '{"private":true}\n');
    const npm = npmCommand();
    const args = [...npm.args, 'install', '--no-audit', '--no-fund', '--loglevel=error', ...packages];
    const { code, output } = await run(npm.command, args, { cwd: fresh, env: npmEnvironment(), timeoutMs: INSTALL_MS_MAX });
    if (code !== 0) throw new LaunchError(`${name} cannot be installed (${gist(output)}): check the npm registry`);
    rmSync(folder, { recursive: true, force: true });
    renameSync(fresh, folder);
  });
  return path;
}
