// Step 3: nats-server: given, installed, cached, or fetched.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NATS_GO_MODULE, NATS_RELEASES_URL, NATS_SERVER_VERSION } from '../versions.mjs';
import { gist, LaunchError, onPath, progress, run, seconds, toolsDir, withLock } from './common.mjs';

const DOWNLOAD_MS_MAX = 6 * 60_000;
const GO_INSTALL_MS_MAX = 15 * 60_000;
const DOWNLOADER = fileURLToPath(new URL('download.mjs', import.meta.url));

function cached() {
  return join(toolsDir(), `nats-server-${NATS_SERVER_VERSION}`, 'nats-server');
}

/** Path of a nats-server that is already here (NATS_SERVER_BIN, PATH, tools cache), or undefined. Throws when NATS_SERVER_BIN names nothing. */
export function findNatsServer() {
  const given = process.env.NATS_SERVER_BIN;
  if (given) {
    if (!existsSync(given)) throw new LaunchError(`NATS_SERVER_BIN is ${given}, which does not exist: correct or unset it`);
    return given;
  }
  return onPath('nats-server') ?? (existsSync(cached()) ? cached() : undefined);
}

async function download(url, file) {
  const { code, output } = await run(process.execPath, [DOWNLOADER, url, file], {
    env: { ...process.env, NODE_USE_ENV_PROXY: '1' },
    timeoutMs: DOWNLOAD_MS_MAX,
  });
  if (code !== 0) throw new Error(`${new URL(url).host}: ${gist(output)}`);
  return readFileSync(file);
}

/** Official release archive, refused unless its SHA-256 is the published one. */
async function fromArchive(work) {
  const { fileFromTarGz } = await import('./tar.mjs');
  const system = { linux: 'linux', darwin: 'darwin' }[process.platform];
  const machine = { x64: 'amd64', arm64: 'arm64' }[process.arch];
  if (!system || !machine) throw new Error(`no archive for ${process.platform}-${process.arch}`);
  const base = `${process.env.MILLRACE_NATS_RELEASES_URL || NATS_RELEASES_URL}/v${NATS_SERVER_VERSION}`;
  const name = `nats-server-v${NATS_SERVER_VERSION}-${system}-${machine}.tar.gz`;
  const sums = (await download(`${base}/SHA256SUMS`, join(work, 'SHA256SUMS'))).toString('utf8');
  const line = sums
    .split('\n')
    .map((entry) => entry.trim().split(/\s+\*?/))
    .find(([, file]) => file === name);
  if (!line) throw new Error(`SHA256SUMS does not name ${name}`);
  const archive = await download(`${base}/${name}`, join(work, name));
  const sum = createHash('sha256').update(archive).digest('hex');
  if (sum !== line[0].toLowerCase()) throw new Error(`refused ${name}: its SHA-256 is not the published one`);
  writeFileSync(join(work, 'nats-server'), fileFromTarGz(archive, 'nats-server'), { mode: 0o755 });
}

/** Go's own checksum database vouches for the source. */
async function fromGo(work) {
  if (!onPath('go')) throw new Error('go is not installed');
  const { code, output } = await run('go', ['install', '-ldflags=-s -w', `${NATS_GO_MODULE}@v${NATS_SERVER_VERSION}`], {
    cwd: work,
    env: { ...process.env, GOBIN: work, GOFLAGS: '' },
    timeoutMs: GO_INSTALL_MS_MAX,
  });
  if (code !== 0) throw new Error(gist(output));
}

async function fetchNatsServer() {
  const target = cached();
  const directory = dirname(target);
  mkdirSync(toolsDir(), { recursive: true });
  const ways = [
    ['release archive', '', fromArchive],
    ['go install', ' (two to three minutes)', fromGo],
  ];
  const failures = [];
  for (const [name, hint, way] of ways) {
    const startedAtMs = Date.now();
    const work = mkdtempSync(`${directory}.`);
    try {
      progress(`fetching nats-server ${NATS_SERVER_VERSION} by ${name}${hint}`);
      await way(work);
      const check = await run(join(work, 'nats-server'), ['--version'], { timeoutMs: 30_000 });
      if (check.code !== 0) throw new Error(`it does not run here: ${gist(check.output)}`);
      mkdirSync(directory, { recursive: true });
      renameSync(join(work, 'nats-server'), target);
      progress(`nats-server ${NATS_SERVER_VERSION} fetched by ${name} in ${seconds(startedAtMs)}`);
      return target;
    } catch (error) {
      failures.push(`${name}: ${error.message}`);
      progress(`no nats-server by ${name}: ${error.message}`);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  }
  throw new LaunchError(
    `nats-server could not be had (${failures.join('; ')}): install it (https://nats.io/download, "brew install nats-server", ` +
      `"go install ${NATS_GO_MODULE}@v${NATS_SERVER_VERSION}") or set NATS_SERVER_BIN`,
  );
}

/** Path of a nats-server, fetched into the tools cache when there is none. */
export async function ensureNatsServer() {
  const found = findNatsServer();
  if (found) return found;
  return withLock(`${dirname(cached())}.lock`, async () => findNatsServer() ?? fetchNatsServer());
}
