import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { npmCommand, npmEnvironment, run, toolsDir, withLock } from '../../scripts/launch/common.mjs';
import { CHROMIUM_PACKAGE } from '../../scripts/versions.mjs';

/** Flags without which it does not start as root or in a container, and one that keeps it from calling home. */
export const CHROMIUM_ARGS = [
  ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
  '--disable-dev-shm-usage',
  '--disable-background-networking',
];

const FETCH_MS_MAX = 5 * 60_000;
const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function installed(): string | undefined {
  const given = process.env['CHROMIUM'];
  if (given) {
    if (isExecutable(given)) return given;
    throw new Error(`CHROMIUM is ${given}, which is no executable`);
  }
  const folders = ['/usr/bin', ...(process.env['PATH'] ?? '').split(delimiter).filter(Boolean)];
  return folders.flatMap((folder) => NAMES.map((name) => join(folder, name))).find(isExecutable);
}

/** npm's @sparticuz/chromium in the tools cache: it unpacks its executable into the temporary directory when asked for it. */
async function fetched(): Promise<string> {
  const folder = join(toolsDir(), CHROMIUM_PACKAGE.replaceAll(/[^\w.]+/g, '-').replace(/^-/, ''));
  const packageName = CHROMIUM_PACKAGE.slice(0, CHROMIUM_PACKAGE.lastIndexOf('@'));
  const marker = join(folder, 'node_modules', packageName, 'package.json');
  await withLock(`${folder}.lock`, async () => {
    if (existsSync(marker)) return;
    mkdirSync(folder, { recursive: true });
    const npm = npmCommand();
    const flags = ['--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--loglevel=error'];
    const args = [...npm.args, 'install', '--prefix', folder, ...flags, CHROMIUM_PACKAGE];
    const { code, output } = await run(npm.command, args, { cwd: folder, env: npmEnvironment(), timeoutMs: FETCH_MS_MAX });
    if (code !== 0) throw new Error(`${CHROMIUM_PACKAGE} could not be fetched: ${output.trim().split('\n').at(-1) ?? ''}`);
  });
  const found: unknown = await import(createRequire(marker).resolve(packageName));
  return executablePathOf(found);
}

async function executablePathOf(module: unknown): Promise<string> {
  const chromium: unknown = typeof module === 'object' && module !== null && 'default' in module ? module.default : undefined;
  if (typeof chromium !== 'function' && typeof chromium !== 'object')
    throw new Error(`${CHROMIUM_PACKAGE} has no default export`);
  const executablePath: unknown = chromium === null ? undefined : Reflect.get(chromium, 'executablePath');
  if (typeof executablePath !== 'function') throw new Error(`${CHROMIUM_PACKAGE} has no executablePath`);
  return String(await Reflect.apply(executablePath, chromium, []));
}

/**
 * Debian's own, with the libraries it needs, which npm's expects to find. Only where a suite may change the machine:
 * in CI, as root. Undefined where that is not so, or it did not work.
 */
async function installedFromDebian(): Promise<string | undefined> {
  if (process.env['CI'] !== 'true' || process.getuid?.() !== 0 || !isExecutable('/usr/bin/apt-get')) return undefined;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const args of [
    ['update', '-qq'],
    ['install', '-y', '-qq', '--no-install-recommends', 'chromium'],
  ]) {
    const { code } = await run('/usr/bin/apt-get', args, { cwd: '/', env, timeoutMs: FETCH_MS_MAX });
    if (code !== 0) return undefined;
  }
  return installed();
}

/** A Chromium that is here (CHROMIUM, /usr/bin, PATH), else Debian's in CI, else npm's in the tools cache; or why there is none. */
export async function findChromium(): Promise<{ path: string } | { missing: string }> {
  try {
    return { path: installed() ?? (await installedFromDebian()) ?? (await fetched()) };
  } catch (error) {
    return { missing: error instanceof Error ? error.message : String(error) };
  }
}
