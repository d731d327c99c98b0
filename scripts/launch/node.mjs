// Step 1: a Node that is new enough.
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { NODE_PACKAGES, NODE_VERSION_MIN } from '../versions.mjs';
import { atLeast, gist, LaunchError, npmCommand, npmEnvironment, progress, run, seconds, toolsDir, withLock } from './common.mjs';

const FETCH_MS_MAX = 10 * 60_000;

function nodePackage() {
  const platform = `${process.platform}-${process.arch}`;
  const spec = NODE_PACKAGES[platform];
  const musl = process.platform === 'linux' && process.report?.getReport().header.glibcVersionRuntime === undefined;
  if (!spec || musl) {
    const where = musl ? `${platform} without glibc` : platform;
    throw new LaunchError(
      `Node ${process.versions.node} is too old and none is packaged for ${where}: install Node ${NODE_VERSION_MIN} or newer`,
    );
  }
  const [name, version] = spec.split('@');
  return { spec, name, version, directory: join(toolsDir(), `node-${version}-${platform}`) };
}

/** Puts the pinned Node into the tools cache. Only its executable is kept: the headers beside it are a third of the package. */
async function fetchNode({ spec, name, version, directory }) {
  const startedAtMs = Date.now();
  progress(`Node ${process.versions.node} is too old: fetching ${spec} (about 52 MB)`);
  mkdirSync(dirname(directory), { recursive: true });
  const work = mkdtempSync(`${directory}.`);
  try {
    const npm = npmCommand();
    const flags = ['--no-save', '--no-package-lock', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    const args = [...npm.args, 'install', '--prefix', work, ...flags, spec];
    const { code, output } = await run(npm.command, args, { cwd: work, env: npmEnvironment(), timeoutMs: FETCH_MS_MAX });
    const bin = join(work, 'node_modules', name, 'bin');
    if (code !== 0 || !existsSync(join(bin, 'node'))) {
      throw new LaunchError(
        `could not fetch ${spec} (${gist(output)}): install Node ${NODE_VERSION_MIN} or newer, or check the npm registry`,
      );
    }
    const kept = join(work, 'kept');
    mkdirSync(kept);
    renameSync(bin, join(kept, 'bin'));
    const check = await run(join(kept, 'bin', 'node'), ['--version'], { timeoutMs: 30_000 });
    if (check.code !== 0)
      throw new LaunchError(
        `the fetched Node does not run here (${gist(check.output)}): install Node ${NODE_VERSION_MIN} or newer`,
      );
    renameSync(kept, directory);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  progress(`Node ${version} fetched in ${seconds(startedAtMs)}`);
}

/** Path of a Node executable that is new enough: the running one, or a pinned one from the tools cache. */
export async function ensureNode() {
  if (atLeast(process.versions.node, NODE_VERSION_MIN)) return process.execPath;
  const wanted = nodePackage();
  const executable = join(wanted.directory, 'bin', 'node');
  if (!existsSync(executable)) {
    await withLock(`${wanted.directory}.lock`, async () => {
      if (!existsSync(executable)) await fetchNode(wanted);
    });
  }
  return executable;
}
