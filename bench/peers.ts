import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build, stop } from 'esbuild';

/** What Millrace is measured against. Never dependencies: they are fetched into the tools cache by the first bench. */
export const PEER_VERSIONS = {
  'socket.io': '4.8.4',
  bufferutil: '4.1.0',
  '@hono/node-server': '2.1.9',
  // its own, as it asks for it by name
  hono: '4.13.19',
  partyserver: '0.5.10',
} as const;

const INSTALL_MS_MAX = 180_000;
const PARTY_ROOM = fileURLToPath(new URL('servers/party-room.mjs', import.meta.url));

export interface Peers {
  /** holds node_modules */
  folder: string;
  partyBundle: string;
}

/** Fetches the peers once per set of versions, and builds the partyserver room. Throws with npm's own words when that fails. */
export async function ensurePeers(): Promise<Peers> {
  const cache = process.env['MILLRACE_TOOLS_DIR'] ?? join(homedir(), '.cache', 'millrace');
  const wanted = JSON.stringify(PEER_VERSIONS);
  const folder = join(cache, 'bench-peers', createHash('sha256').update(wanted).digest('hex').slice(0, 16));
  if (!(await exists(join(folder, 'complete')))) await install(folder);
  const partyBundle = join(folder, 'party-room.mjs');
  await build({
    entryPoints: [PARTY_ROOM],
    outfile: partyBundle,
    bundle: true,
    format: 'esm',
    target: 'es2022',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*', 'node:*'],
    nodePaths: [join(folder, 'node_modules')],
    logLevel: 'error',
  });
  // its service would stay a child of the bench
  await stop();
  return { folder, partyBundle };
}

/** Installs beside and renames, so that a bench that was stopped halfway, or another at the same time, leaves no half of it. */
async function install(folder: string): Promise<void> {
  const beside = `${folder}.${process.pid}`;
  await mkdir(beside, { recursive: true });
  await writeFile(join(beside, 'package.json'), JSON.stringify({ private: true, dependencies: PEER_VERSIONS }));
  const npm = join(dirname(process.execPath), process.platform === 'win32' ? 'npm.cmd' : 'npm');
  const command = (await exists(npm)) ? npm : 'npm';
  // partyserver asks for Workers' types as a peer, which running it does not need
  const options = [
    'install',
    '--prefix',
    beside,
    '--legacy-peer-deps',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--no-package-lock',
  ];
  try {
    await promisify(execFile)(command, options, { cwd: beside, timeout: INSTALL_MS_MAX });
  } catch (error) {
    await rm(beside, { recursive: true, force: true });
    const said = (error as { stderr?: string }).stderr ?? String(error);
    throw new Error(`npm could not fetch what the bench compares with: ${said.slice(-1_000)}`, { cause: error });
  }
  await writeFile(join(beside, 'complete'), JSON.stringify(PEER_VERSIONS));
  try {
    await rename(beside, folder);
  } catch {
    // another bench was faster
    await rm(beside, { recursive: true, force: true });
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
