import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe } from '../../consumers/runtime/log.ts';
import { until, type Stack } from './stack.ts';

const ROOT = join(import.meta.dirname, '../..');
const READY_MS_MAX = 30_000;
const ENDED_MS_MAX = 20_000;
const OUTPUT_CHARS_SHOWN = 2_000;

/** A process of the consumers beside a stack that runs without its own; started again when it dies, as a supervisor would. */
export class ConsumerProcess {
  readonly #file: string;
  readonly #args: readonly string[];
  readonly #stack: Stack;
  readonly #env: Readonly<Record<string, string>>;
  #child: ChildProcess | undefined;
  #stopping = false;
  /** every line it wrote */
  output = '';
  /** times it died by itself */
  deaths = 0;

  private constructor(stack: Stack, file: string, args: readonly string[], env: Readonly<Record<string, string>>) {
    this.#stack = stack;
    this.#env = env;
    this.#file = file;
    this.#args = args;
  }

  /** Resolves when it said that it is ready. */
  static async start(
    stack: Stack,
    file: string,
    args: readonly string[] = [],
    env: Readonly<Record<string, string>> = {},
  ): Promise<ConsumerProcess> {
    const process = new ConsumerProcess(stack, file, args, env);
    process.#spawn();
    try {
      await until(`${file} is ready`, () => process.said('ready') > 0, READY_MS_MAX);
    } catch (error) {
      await process.stop();
      throw new Error(`${describe(error)}: ${process.output.slice(-OUTPUT_CHARS_SHOWN)}`, { cause: error });
    }
    return process;
  }

  static async roles(stack: Stack, roles: string, env: Readonly<Record<string, string>> = {}): Promise<ConsumerProcess> {
    return await ConsumerProcess.start(stack, 'consumers/main.ts', ['--roles', roles], env);
  }

  said(msg: string): number {
    return this.output.split('\n').filter((line) => line.includes(`"msg":"${msg}"`)).length;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit', { signal: AbortSignal.timeout(ENDED_MS_MAX) });
    child.kill('SIGTERM');
    await ended;
  }

  #spawn(): void {
    const { nats, url, secrets, dataDir, settings } = this.#stack;
    const child = spawn(process.execPath, [join(ROOT, this.#file), ...this.#args], {
      env: {
        ...settings.consumerVariables,
        PATH: process.env['PATH'],
        NATS_URL: nats,
        EDGE_URL: url,
        INTERNAL_SECRET: secrets.internalSecret,
        DATA_DIR: dataDir,
        METRICS_PORT: '0',
        ...this.#env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    child.once('exit', () => {
      if (this.#stopping) return;
      this.deaths += 1;
      this.#spawn();
    });
    this.#child = child;
  }
}
