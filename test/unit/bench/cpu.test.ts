import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { parseProcStat, parsePsTime, treesCpuMs } from '../../../bench/cpu.ts';

test('a /proc line is read from the last parenthesis on: the command may hold spaces and parentheses', () => {
  const line = '42 (a) b (c) S 7 42 42 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 1 0 100 0 0';
  expect(parseProcStat(42, line)).toEqual({ pid: 42, parent: 7, cpuMs: 3_000 });
});

test('times of ps, in every length', () => {
  expect(parsePsTime('0:01.25')).toBe(1_250);
  expect(parsePsTime('00:01:05')).toBe(65_000);
  expect(parsePsTime('2-01:00:00')).toBe(2 * 86_400_000 + 3_600_000);
});

test('a tree holds the children of its root, and no strangers', async () => {
  const busy = "const end = Date.now() + 300; while (Date.now() < end); process.stdout.write('x'); setInterval(() => {}, 1000);";
  const child = spawn(process.execPath, ['-e', busy], { stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    await once(child.stdout, 'data');
    const [own, childs, strangers] = treesCpuMs([[process.pid], [child.pid ?? 0], [0x7fffffff]]);
    expect(childs).toBeGreaterThan(0);
    expect(own).toBeGreaterThanOrEqual(childs);
    expect(strangers).toBe(0);
  } finally {
    child.kill('SIGKILL');
  }
});
