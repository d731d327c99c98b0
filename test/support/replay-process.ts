import { spawn } from 'node:child_process';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

export interface Replay {
  /** messages answered so far, by its own account */
  played: () => number;
  ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
}

/** Runs the command as a user does, without the launcher in front of it. */
export function replay(args: readonly string[], dataDir: string, env: Readonly<Record<string, string>> = {}): Replay {
  const child = spawn(process.execPath, [join(ROOT, 'scripts/replay/main.ts'), ...args, '--data-dir', dataDir], {
    cwd: ROOT,
    env: { ...process.env, JWT_SECRET: undefined, INIT_CWD: undefined, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  return {
    played: () => Number([...stderr.matchAll(/^playing: (\d+) of/gm)].at(-1)?.[1] ?? 0),
    ended: new Promise((settle) => child.once('close', (code) => settle({ code, stdout, stderr }))),
  };
}
