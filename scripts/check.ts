// `npm run check`: types, lint, format, and the rules that tests keep about the code itself (walls, file and function sizes).
import { spawnSync } from 'node:child_process';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');

interface Step {
  name: string;
  /** a tool in node_modules/.bin with its arguments, or a script of ours */
  command: readonly [program: string, ...args: string[]];
}

const STEPS: readonly Step[] = [
  { name: 'types', command: ['tsc', '-b'] },
  { name: 'types (workerd tests)', command: ['tsc', '-b', 'test/workerd'] },
  { name: 'lint', command: ['oxlint', '--type-aware', '--deny-warnings'] },
  { name: 'format', command: ['oxfmt', '--check'] },
  { name: 'walls and sizes', command: ['vitest', 'run', '--project', 'unit', 'test/unit/repository'] },
];

/** Every step runs, so that one look shows all there is to do. */
function main(): number {
  const failed: string[] = [];
  for (const { name, command } of STEPS) {
    process.stdout.write(`check: ${name}\n`);
    const [program, ...args] = command;
    const { status, error } = spawnSync(join(ROOT, 'node_modules', '.bin', program), args, { cwd: ROOT, stdio: 'inherit' });
    if (error) process.stdout.write(`check: ${program}: ${error.message}\n`);
    if (status !== 0) failed.push(name);
  }
  process.stdout.write(failed.length === 0 ? 'check: all good\n' : `check: failed: ${failed.join(', ')}\n`);
  return failed.length === 0 ? 0 : 1;
}

process.exitCode = main();
