import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, expect, it } from 'vitest';

const BOUNDS = { stallMsMax: 400, graceMsMax: 400 };
const MODULE = new URL('../../../consumers/runtime/watchdog.ts', import.meta.url).href;

/** Says `alive` whenever its event loop runs, and loops for ever once it is told to. */
const PROGRAM = `
  import { watchEventLoop } from ${JSON.stringify(MODULE)};
  watchEventLoop(console.error, ${JSON.stringify(BOUNDS)});
  setInterval(() => process.stdout.write('alive\\n'), 20);
  process.on('SIGUSR2', () => { for (;;); });
`;

let child: ChildProcess;
let output = '';

function start(): void {
  output = '';
  child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM], { stdio: ['ignore', 'pipe', 'inherit'] });
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
}

const heard = async (): Promise<void> => {
  if (child.stdout === null) throw new Error('it has no output');
  await once(child.stdout, 'data', { signal: AbortSignal.timeout(10_000) });
};

afterEach(() => child.kill('SIGKILL'));

it('ends a process whose event loop stands still, and says so', { timeout: 20_000 }, async () => {
  start();
  await heard();
  child.kill('SIGUSR2');
  const [code, signal] = (await once(child, 'exit', { signal: AbortSignal.timeout(10_000) })) as [number | null, string | null];
  expect([code, signal]).toEqual([null, 'SIGKILL']);
  expect(output).toContain('"msg":"the event loop stands still: killed"');
});

it('lets one go on that was stopped for longer, and then continued', { timeout: 20_000 }, async () => {
  start();
  await heard();
  child.kill('SIGSTOP');
  // it is the time itself that is tried: both bounds pass, and some
  await new Promise((resolve) => setTimeout(resolve, 2 * (BOUNDS.stallMsMax + BOUNDS.graceMsMax)));
  child.kill('SIGCONT');
  for (let beats = 0; beats < 40; beats += 1) await heard();
  expect([child.exitCode, child.signalCode]).toEqual([null, null]);
});
