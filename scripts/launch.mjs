// `node scripts/launch.mjs <target> [arguments]`: brings a fresh clone to where the target can run, then runs it.
// Plain JavaScript for Node 20 without dependencies: it runs before anything is installed.
import { spawn } from 'node:child_process';
import { delimiter, dirname, join } from 'node:path';
import { LaunchError, progress, progressTo, ROOT } from './launch/common.mjs';
import { ensureDependencies } from './launch/install.mjs';
import { ensureNode } from './launch/node.mjs';

const TARGETS = {
  start: { script: 'scripts/start.ts', install: 'production', nats: true, edge: true, web: 'pages' },
  test: { script: 'scripts/test.ts', install: 'full', nats: 'optional', edge: true, web: 'pages' },
  'test:long': { script: 'scripts/test.ts', args: ['--long'], install: 'full', nats: 'optional', edge: true, web: 'pages' },
  check: { script: 'scripts/check.ts', install: 'full', web: 'packages' },
  screenshots: { script: 'test/screenshots/main.ts', install: 'full', nats: true, edge: true, web: 'pages' },
  token: { script: 'scripts/token.ts', install: 'production', quiet: true },
  'dead-letters': { script: 'scripts/dead-letters.ts', install: 'production', quiet: true },
  replay: { script: 'scripts/replay/main.ts', install: 'production' },
  import: { script: 'scripts/import/main.ts', install: 'production' },
  readme: { script: 'scripts/readme/main.ts', install: 'full', nats: true, edge: true },
  audit: { script: 'scripts/audit.ts', install: 'production', quiet: true, unable: 2 },
  migrate: { script: 'consumers/migrate.ts', install: 'production' },
  'nats-keys': { script: 'scripts/nats-keys/main.ts', install: 'production', quiet: true },
  doctor: { script: 'scripts/doctor.ts', install: 'production', quiet: true, unable: 2 },
  rebuild: { script: 'scripts/rebuild.ts', install: 'production', quiet: true },
  simulate: { script: 'test/simulator/main.ts', install: 'full' },
  bench: { script: 'bench/main.ts', install: 'full', nats: true, edge: true },
  faults: { script: 'test/faults/main.ts', install: 'full', nats: true, edge: true },
};

/** Runs `args` under `node`, passes signals on, and answers its exit code. */
function runNode(node, args, env) {
  return new Promise((settle, reject) => {
    // The channel tells the child when we are gone, however we went: it then stops what it started.
    const child = spawn(node, args, { cwd: ROOT, env, stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
    watchNpm(() => child.kill('SIGTERM'));
    child.on('error', reject);
    child.on('exit', (code, signal) => settle(code ?? (signal === 'SIGINT' ? 130 : 143)));
    process.on('disconnect', () => child.kill('SIGTERM'));
  });
}

const PARENT_POLL_MS = 500;

/** npm runs us through a shell that does not pass signals on: when that shell is gone, so is who asked for us. */
function watchNpm(onGone) {
  if (!process.env.npm_lifecycle_event) return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    onGone();
  }, PARENT_POLL_MS);
  timer.unref();
}

async function prepareNats(need) {
  const { ensureNatsServer } = await import('./launch/nats.mjs');
  try {
    return await ensureNatsServer();
  } catch (error) {
    // Tests that need it are skipped by name, or fail where CI asks for all of them.
    if (need !== 'optional' || !(error instanceof LaunchError)) throw error;
    progress(error.message);
    return undefined;
  }
}

/** Beside the other steps: it waits for the registry, and they for processors. */
async function prepareWeb({ web, install }) {
  if (!web) return;
  const { ensureWebPackages, ensureWebPages } = await import('./launch/web-build.mjs');
  await (web === 'packages' ? ensureWebPackages() : ensureWebPages(install));
}

function versionFlags() {
  const [major] = process.versions.node.split('.').map(Number);
  return major < 24 ? ['--disable-warning=ExperimentalWarning'] : [];
}

async function main() {
  const [name, ...rest] = process.argv.slice(2);
  const target = TARGETS[name];
  if (!target) throw new LaunchError(`usage: node scripts/launch.mjs <${Object.keys(TARGETS).join('|')}> [arguments]`);
  if (target.quiet) progressTo(process.stderr);
  if (process.platform === 'win32') throw new LaunchError('Windows is supported through WSL2: run this inside it');

  const node = await ensureNode();
  if (node !== process.execPath) {
    // npm and everything it starts must run under the new Node too.
    const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}` };
    return runNode(node, [...process.execArgv, process.argv[1], name, ...rest], env);
  }
  if (!target.quiet) progress(`Node ${process.versions.node}`);
  const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}` };
  process.env.PATH = env.PATH;
  await ensureDependencies(target.install);
  const pages = prepareWeb(target);
  // awaited below, unless another step ends the launch first
  pages.catch(() => {});
  const withoutNats = name === 'start' && process.env.NATS_URL !== undefined && process.env.NATS_WS_URL !== undefined;
  if (target.nats && !withoutNats) {
    const nats = await prepareNats(target.nats);
    if (nats) {
      env.NATS_SERVER_BIN = nats;
      progress(`nats-server: ${nats}`);
    }
  }
  if (target.edge) {
    const { ensureEdgeBundle } = await import('./launch/edge-build.mjs');
    const { wantsTelemetry } = await import('./launch/telemetry-packages.mjs');
    await ensureEdgeBundle({ telemetry: target.script === TARGETS.start.script && wantsTelemetry(process.env) });
  }
  await pages;
  return runNode(node, [...versionFlags(), join(ROOT, target.script), ...(target.args ?? []), ...rest], env);
}

try {
  process.exitCode = await main();
  // A live channel to the launcher above us would keep us here.
  if (process.connected) process.disconnect();
} catch (error) {
  if (!(error instanceof LaunchError)) throw error;
  progress(error.message);
  process.exitCode = TARGETS[process.argv[2]]?.unable ?? 1;
  if (process.connected) process.disconnect();
}
