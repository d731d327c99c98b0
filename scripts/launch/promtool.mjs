// promtool, for tests of the alert rules: given, installed, cached, or fetched.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PROMETHEUS_GO_MODULE, PROMETHEUS_GO_VERSION } from '../versions.mjs';
import { gist, LaunchError, onPath, progress, run, seconds, toolsDir, withLock } from './common.mjs';

const APT_MS_MAX = 2 * 60_000;
const UNPACK_MS_MAX = 60_000;
const GO_INSTALL_MS_MAX = 20 * 60_000;

function cached() {
  return join(toolsDir(), `promtool-${PROMETHEUS_GO_VERSION}`, 'promtool');
}

/** Path of a promtool that is already here (PROMTOOL_BIN, PATH, tools cache), or undefined. */
function findPromtool() {
  const given = process.env.PROMTOOL_BIN;
  if (given) {
    if (!existsSync(given)) throw new LaunchError(`PROMTOOL_BIN is ${given}, which does not exist: correct or unset it`);
    return given;
  }
  return onPath('promtool') ?? (existsSync(cached()) ? cached() : undefined);
}

async function must(command, args, options) {
  const { code, output } = await run(command, args, options);
  if (code !== 0) throw new Error(`${command} ${args[0]}: ${gist(output)}`);
}

/** Debian's package, unpacked and not installed. apt checks its signature. */
async function fromDebian(work) {
  if (!onPath('apt-get') || !onPath('dpkg-deb')) throw new Error('this is no Debian');
  const options = { cwd: work, timeoutMs: APT_MS_MAX };
  try {
    await must('apt-get', ['download', 'prometheus'], options);
  } catch {
    // the lists of a fresh machine are empty or old; only root can bring them up to date
    await must('apt-get', ['update'], options);
    await must('apt-get', ['download', 'prometheus'], options);
  }
  const file = readdirSync(work).find((name) => name.endsWith('.deb'));
  if (file === undefined) throw new Error('apt-get has put nothing there');
  await must('dpkg-deb', ['-x', file, 'unpacked'], { cwd: work, timeoutMs: UNPACK_MS_MAX });
  renameSync(join(work, 'unpacked/usr/bin/promtool'), join(work, 'promtool'));
}

/** Go's own checksum database vouches for the source. */
async function fromGo(work) {
  if (!onPath('go')) throw new Error('go is not installed');
  await must('go', ['install', '-ldflags=-s -w', `${PROMETHEUS_GO_MODULE}@${PROMETHEUS_GO_VERSION}`], {
    cwd: work,
    env: { ...process.env, GOBIN: work, GOFLAGS: '' },
    timeoutMs: GO_INSTALL_MS_MAX,
  });
}

async function fetchPromtool() {
  const target = cached();
  const directory = dirname(target);
  mkdirSync(toolsDir(), { recursive: true });
  const ways = [
    ["Debian's package", '', fromDebian],
    ['go install', ' (some minutes)', fromGo],
  ];
  const failures = [];
  for (const [name, hint, way] of ways) {
    const startedAtMs = Date.now();
    const work = mkdtempSync(`${directory}.`);
    try {
      progress(`fetching promtool by ${name}${hint}`);
      await way(work);
      await must(join(work, 'promtool'), ['--version'], { timeoutMs: UNPACK_MS_MAX });
      mkdirSync(directory, { recursive: true });
      renameSync(join(work, 'promtool'), target);
      progress(`promtool fetched by ${name} in ${seconds(startedAtMs)}`);
      return target;
    } catch (error) {
      failures.push(`${name}: ${error.message}`);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  }
  throw new LaunchError(
    `promtool could not be had (${failures.join('; ')}): install Prometheus (https://prometheus.io/download) or set PROMTOOL_BIN`,
  );
}

/** Path of a promtool, fetched into the tools cache when there is none. Throws a LaunchError when it cannot be had. */
export async function ensurePromtool() {
  return findPromtool() ?? (await withLock(`${dirname(cached())}.lock`, async () => findPromtool() ?? (await fetchPromtool())));
}
