import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RUNNABLE, type Block } from './blocks.ts';

/** a block that takes longer has failed */
const BLOCK_MS_MAX = 120_000;
/** what a background block is given to end after SIGTERM */
const END_MS_MAX = 5_000;
/** kept of what a block prints; the beginning is dropped */
const OUTPUT_CHARS_MAX = 100_000;

export interface Outcome {
  block: Block;
  result: 'passed' | 'failed' | 'not run';
  detail: string;
}

export interface RunnerOptions {
  /** where shell blocks run, and whose client package the scripts import */
  root: string;
  /** the addresses and secrets of a running system, as the blocks' variables */
  env: Readonly<Record<string, string>>;
  onOutcome?: (outcome: Outcome) => void;
}

/** Runs the blocks of one page in their order; what is left running is ended at the end of the page. */
export async function runBlocks(blocks: readonly Block[], options: RunnerOptions): Promise<Outcome[]> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-readme-'));
  mkdirSync(join(folder, 'node_modules', '@millrace'), { recursive: true });
  symlinkSync(join(options.root, 'client'), join(folder, 'node_modules', '@millrace', 'client'));
  const background: ChildProcess[] = [];
  const outcomes: Outcome[] = [];
  try {
    for (const block of blocks) {
      const outcome = await runBlock(block, folder, options, background);
      outcomes.push(outcome);
      options.onOutcome?.(outcome);
    }
  } finally {
    await Promise.all(background.map(end));
    rmSync(folder, { recursive: true, force: true });
  }
  return outcomes;
}

async function runBlock(block: Block, folder: string, options: RunnerOptions, background: ChildProcess[]): Promise<Outcome> {
  const { run } = block;
  if (run.how === 'not') return { block, result: 'not run', detail: run.reason };
  const child = start(block, folder, options);
  const output = collect(child);
  const exited = new Promise<number | string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, by) => resolve(code ?? by ?? 'ended'));
  });
  if (run.how === 'here') {
    const code = await withinBound(exited, child);
    return code === 0
      ? { block, result: 'passed', detail: output() }
      : { block, result: 'failed', detail: `${code}\n${output()}` };
  }
  background.push(child);
  const seen = output.when(run.until);
  const first = await Promise.race([seen.then(() => 'seen' as const), withinBound(exited, child).then(String)]);
  if (first === 'seen') return { block, result: 'passed', detail: output() };
  return { block, result: 'failed', detail: `ended (${first}) before it said "${run.until}"\n${output()}` };
}

function start(block: Block, folder: string, { root, env }: RunnerOptions): ChildProcess {
  const kind = RUNNABLE[block.language];
  const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe'];
  const variables = { ...process.env, ...env };
  // a group of its own: what a shell started must end with it
  if (kind === 'sh')
    return spawn('bash', ['-euo', 'pipefail', '-c', block.text], { cwd: root, env: variables, stdio, detached: true });
  const file = join(folder, `block-${block.line}.${block.language === 'python' ? 'py' : 'ts'}`);
  writeFileSync(file, block.text);
  const command = kind === 'python' ? 'python3' : process.execPath;
  return spawn(command, [file], { cwd: root, env: variables, stdio, detached: true });
}

/** The output so far, and a promise of the moment when it holds a text. */
function collect(child: ChildProcess): (() => string) & { when: (text: string) => Promise<void> } {
  let said = '';
  const waiting: { text: string; resolve: () => void }[] = [];
  const take = (chunk: Buffer): void => {
    said = (said + chunk.toString()).slice(-OUTPUT_CHARS_MAX);
    for (const each of waiting) if (said.includes(each.text)) each.resolve();
  };
  child.stdout?.on('data', take);
  child.stderr?.on('data', take);
  const when = (text: string): Promise<void> =>
    new Promise((resolve) => (said.includes(text) ? resolve() : waiting.push({ text, resolve })));
  return Object.assign(() => said, { when });
}

async function withinBound(exited: Promise<number | string>, child: ChildProcess): Promise<number | string> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => {
      signal(child, 'SIGKILL');
      resolve(`not done within ${BLOCK_MS_MAX} ms`);
    }, BLOCK_MS_MAX);
  });
  const code = await Promise.race([exited, late]);
  clearTimeout(timer);
  return code;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('close', resolve));
  signal(child, 'SIGTERM');
  const timer = setTimeout(() => signal(child, 'SIGKILL'), END_MS_MAX);
  await gone;
  clearTimeout(timer);
}

function signal(child: ChildProcess, name: NodeJS.Signals): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, name);
  } catch {
    // it is gone already
  }
}
