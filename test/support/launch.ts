import { spawn } from 'node:child_process';
import { mkdtempSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';
import { existsSync } from 'node:fs';
import { freeVariables, until } from './stack.ts';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const LAUNCHER = join(ROOT, 'scripts/launch.mjs');

/** A launcher that runs, seen from outside. */
export interface Launched {
  /** standard output so far */
  readonly lines: readonly string[];
  readonly pid: number;
  /** Waits for a line of standard output; throws with all of it when the process ends or the time is over. */
  line(pattern: RegExp, withinMs?: number): Promise<string>;
  /** Waits for the end and answers the exit code. */
  exit(withinMs?: number): Promise<number>;
  kill(signal: NodeJS.Signals): void;
  /** SIGTERM, and its end */
  stop(): Promise<number>;
}

/** What is never passed on to a launcher under test: whatever would set its behaviour from around the test. */
const PLAIN = ['PATH', 'HOME', 'TMPDIR', 'LANG'];

/** Runs `node scripts/launch.mjs {args}` with nothing in its environment but a PATH, a home and `env`. */
export function launch(args: readonly string[], env: Readonly<Record<string, string>>): Launched {
  const plain = Object.fromEntries(PLAIN.map((name) => [name, process.env[name]]));
  const child = spawn(process.execPath, [LAUNCHER, ...args], {
    cwd: ROOT,
    env: { ...plain, MILLRACE_SKIP_INSTALL: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  const errors: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  createInterface({ input: child.stderr }).on('line', (line) => errors.push(line));
  let code: number | undefined;
  child.on('close', (exit) => {
    code = exit ?? 255;
  });
  const all = (): string => [...lines, ...errors.slice(-20)].join('\n');

  const exit = async (withinMs = 60_000): Promise<number> => {
    await until(`the launcher ends:\n${all()}`, () => code !== undefined, withinMs);
    return code ?? 255;
  };

  return {
    lines,
    pid: child.pid ?? 0,
    async line(pattern, withinMs = 60_000) {
      const find = (): string | undefined => lines.find((line) => pattern.test(line));
      const deadline = Date.now() + withinMs;
      await until(
        `a line like ${pattern}`,
        () => find() !== undefined || code !== undefined || Date.now() > deadline,
        withinMs + 1_000,
      );
      const found = find();
      if (found === undefined) throw new Error(`no line like ${pattern}:\n${all()}`);
      return found;
    },
    exit,
    kill: (signal) => void child.kill(signal),
    async stop() {
      child.kill('SIGTERM');
      return exit();
    },
  };
}

export interface StartEnvironment {
  env: Record<string, string>;
  dataDir: string;
  port: number;
}

/** Free ports and a new data directory for one `start`. */
export async function startEnvironment(): Promise<StartEnvironment> {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-launch-'));
  const env = await freeVariables(dataDir);
  return { dataDir, port: Number(env['PORT']), env };
}

/** A directory with nothing but these programs, to be the whole PATH. */
export function pathOf(names: readonly string[]): string {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-path-'));
  for (const name of names) {
    const found =
      name === 'node'
        ? process.execPath
        : (process.env['PATH'] ?? '')
            .split(delimiter)
            .map((part) => join(part, name))
            .find((file) => existsSync(file));
    if (found === undefined) throw new Error(`${name} is not installed`);
    symlinkSync(found, join(directory, name));
  }
  return directory;
}
