// `npm run readme [-- FILE…]`: runs every fenced block of README and docs, word for word, against a system that it starts with `npm start`.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { freePorts } from '../supervisor/ports.ts';
import { pages } from './pages.ts';
import { runBlocks, type Outcome } from './runner.ts';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const READY_MS_MAX = 180_000;

async function main(): Promise<number> {
  const command = new Command('readme')
    .argument('[files...]', 'only these pages')
    .description('Runs every fenced block of README and docs, word for word.')
    .parse();
  const chosen = pages(ROOT).filter(({ file }) => command.args.length === 0 || command.args.includes(file));
  if (chosen.length === 0) throw new Error('There is no such page.');
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-readme-data-'));
  const env = await variables(dataDir);
  const system = spawn('npm', ['start'], { cwd: ROOT, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
  const outcomes: Outcome[] = [];
  try {
    await ready(system);
    process.stdout.write('passed: npm start, as README.md has it\n');
    for (const { blocks } of chosen) {
      outcomes.push(...(await runBlocks(blocks, { root: ROOT, env, onOutcome: tell })));
    }
  } finally {
    await stopped(system);
    rmSync(dataDir, { recursive: true, force: true });
  }
  const count = (result: Outcome['result']): number => outcomes.filter((each) => each.result === result).length;
  process.stdout.write(`${count('passed')} blocks passed, ${count('failed')} failed, ${count('not run')} not run\n`);
  return count('failed') > 0 ? 1 : 0;
}

async function variables(dataDir: string): Promise<Record<string, string>> {
  const [port, nats, natsWs, natsMonitor, metrics] = await freePorts(5);
  return {
    PORT: String(port),
    NATS_PORT: String(nats),
    NATS_WS_PORT: String(natsWs),
    NATS_MONITOR_PORT: String(natsMonitor),
    METRICS_PORT: String(metrics),
    DATA_DIR: dataDir,
    MILLRACE_URL: `http://127.0.0.1:${port}`,
    MILLRACE_NATS_URL: `nats://127.0.0.1:${nats}`,
  };
}

async function ready(system: ChildProcess): Promise<void> {
  if (system.stdout === null) throw new Error('npm start has no output');
  const lines = createInterface({ input: system.stdout });
  await new Promise<void>((resolveReady, reject) => {
    const timer = setTimeout(() => reject(new Error(`npm start was not ready within ${READY_MS_MAX} ms`)), READY_MS_MAX);
    lines.on('line', (line) => {
      if (!line.startsWith('ready {')) return;
      clearTimeout(timer);
      resolveReady();
    });
    system.once('close', (code) => reject(new Error(`npm start ended with ${code}`)));
  });
}

async function stopped(system: ChildProcess): Promise<void> {
  // npm itself goes at once; its output closes when the last part that it started is gone
  const gone = new Promise((resolveGone) => system.once('close', resolveGone));
  system.stdout?.resume();
  system.kill('SIGTERM');
  await gone;
}

function tell({ block, result, detail }: Outcome): void {
  const where = `${block.file}:${block.line}`;
  if (result === 'passed') process.stdout.write(`passed: ${where}\n`);
  else if (result === 'failed') process.stdout.write(`failed: ${where}: ${detail}\n`);
  else if (detail !== 'to be looked at') process.stdout.write(`not run: ${where}: ${detail}\n`);
}

process.exit(await main());
