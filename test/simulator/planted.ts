import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const PATCHES = join(ROOT, 'test/planted');
/** what a simulation is made of */
const COPIED = ['shared', 'worker', 'consumers', 'package.json', 'test/simulator', 'test/support', 'test/unit/client/simulator'];
/** a bug that so many seeds do not show counts as missed */
const SEEDS_MAX = 100;
/** a bug that makes the simulation spin has not been caught */
const TRY_MS_MAX = 120_000;
const FAILED = /^FAILED seed (\d+): (.*)$/m;
const RUN = /^seeds (\d+) /m;

export interface Planted {
  name: string;
  /** the seeds that it took, the one that showed it, and what was seen; absent: it was not caught */
  caught?: { seeds: number; seed: number; why: string };
  /** why it could not be tried */
  fault?: string;
}

export function plantedBugs(): string[] {
  return readdirSync(PATCHES)
    .filter((file) => file.endsWith('.patch'))
    .map((file) => file.slice(0, -'.patch'.length))
    .toSorted();
}

/** Applies a patch to a copy of the sources, and answers why it does not apply, if so. `check`: without writing anything. */
export function plant(name: string, directory: string, { check = false } = {}): string | undefined {
  const args = ['apply', ...(check ? ['--check'] : []), '-C1', join(PATCHES, `${name}.patch`)];
  // without an index: a copy is no repository, and must not be taken for a part of one above it
  const env = { ...process.env, GIT_CEILING_DIRECTORIES: dirname(directory), GIT_DIR: join(directory, '.no-git') };
  const { status, stderr, error } = spawnSync('git', args, { cwd: directory, env, encoding: 'utf8' });
  if (status === 0) return undefined;
  return `test/planted/${name}.patch does not apply any more: ${error?.message ?? stderr.trim()}`;
}

/** Runs seeds on a copy with the bug in it until a promise is seen broken. */
export async function tryPlanted(name: string, jobs: number): Promise<Planted> {
  const copy = mkdtempSync(join(tmpdir(), 'millrace-planted-'));
  try {
    for (const path of COPIED) {
      mkdirSync(dirname(join(copy, path)), { recursive: true });
      cpSync(join(ROOT, path), join(copy, path), { recursive: true });
    }
    symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
    const fault = plant(name, copy);
    if (fault !== undefined) return { name, fault };
    const output = await run(join(copy, 'test/simulator/main.ts'), [
      '--seeds',
      String(SEEDS_MAX),
      '--first',
      '--jobs',
      String(jobs),
    ]);
    const failed = FAILED.exec(output);
    const seeds = Number(RUN.exec(output)?.[1] ?? 0);
    const fell = failed?.[2]?.startsWith('the simulator fell over') === true;
    if (failed === null || fell) return { name, ...(fell || seeds < SEEDS_MAX ? { fault: output.slice(-2_000) } : {}) };
    return { name, caught: { seeds, seed: Number(failed[1]), why: failed[2] ?? '' } };
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** All of them, one after the other; true when each was caught. */
export async function runPlanted(jobs: number): Promise<boolean> {
  const bugs = plantedBugs();
  let missed = 0;
  for (const name of bugs) {
    const startedAtMs = Date.now();
    const { caught, fault } = await tryPlanted(name, jobs);
    const seconds = ((Date.now() - startedAtMs) / 1_000).toFixed(1);
    if (caught === undefined) missed += 1;
    const said =
      caught === undefined
        ? (fault ?? `MISSED in ${SEEDS_MAX} seeds`)
        : `caught by seed ${caught.seed} of ${caught.seeds}: ${caught.why}`;
    process.stdout.write(`${name.padEnd(38)} ${seconds.padStart(6)} s  ${said.slice(0, 300)}\n`);
  }
  process.stdout.write(`${bugs.length - missed} of ${bugs.length} planted bugs were caught\n`);
  return missed === 0;
}

async function run(script: string, args: readonly string[]): Promise<string> {
  return await new Promise((settle, reject) => {
    const child = spawn(process.execPath, [script, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: TRY_MS_MAX,
      killSignal: 'SIGKILL',
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.on('error', reject);
    child.on('close', () => settle(output));
  });
}
