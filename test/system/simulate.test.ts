import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { plantedBugs, tryPlanted } from '../simulator/planted.ts';
import { ROOT } from '../unit/repository/files.ts';

const SEEDS = 100;
const SEEDS_MS_MAX = 400_000;
const PLANTED_MS_MAX = 400_000;

/** In a process of its own: its threads run the sources as they are, and not as a test runner transforms them. */
async function simulate(args: readonly string[]): Promise<{ code: number | null; output: string }> {
  return await new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(ROOT, 'test/simulator/main.ts'), ...args], { timeout: SEEDS_MS_MAX });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}

describe('the simulator', () => {
  it(
    `P1 P2 P3 P4 P5 P6 P7: ${SEEDS} seeds keep every promise, and all heals`,
    async () => {
      const { code, output } = await simulate(['--seeds', String(SEEDS)]);
      expect(code, output).toBe(0);
      expect(output).toContain(`seeds ${SEEDS} (0 failed)`);
      process.stdout.write(output);
    },
    SEEDS_MS_MAX,
  );

  it.each(plantedBugs())(
    'catches the planted bug: %s',
    async (name) => {
      const { caught, fault } = await tryPlanted(name, availableParallelism());
      expect(fault).toBeUndefined();
      expect(caught, 'no seed showed it').toBeDefined();
      process.stdout.write(`${name}: caught by seed ${caught?.seed} of ${caught?.seeds}: ${caught?.why}\n`);
    },
    PLANTED_MS_MAX,
  );
});
