import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { until } from './stack.ts';

const ROOT = join(import.meta.dirname, '../..');
const STARTED_MS_MAX = 30_000;
const ENDED_MS_MAX = 20_000;

/** What a relay has to be told. */
export interface RelaySurroundings {
  natsUrl: string;
  edgeUrl: string;
  internalSecret: string;
}

/** One process of the role `relay`. */
export class RelayProcess {
  readonly #child: ChildProcess;
  #output = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.stdout?.on('data', (chunk: Buffer) => (this.#output += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (this.#output += chunk.toString()));
  }

  /** Resolves when it is ready. */
  static async start({ natsUrl, edgeUrl, internalSecret }: RelaySurroundings): Promise<RelayProcess> {
    const child = spawn(process.execPath, [join(ROOT, 'consumers/main.ts'), '--roles', 'relay'], {
      env: {
        PATH: process.env['PATH'],
        NATS_URL: natsUrl,
        EDGE_URL: edgeUrl,
        INTERNAL_SECRET: internalSecret,
        METRICS_PORT: '0',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const relay = new RelayProcess(child);
    await until('the relay is ready', () => relay.says('ready') > 0, STARTED_MS_MAX);
    return relay;
  }

  /** how often it wrote a line with this message */
  says(msg: string): number {
    return this.#output.split('\n').filter((line) => line.includes(`"msg":"${msg}"`)).length;
  }

  /** epoch milliseconds of its last line with this message; undefined when there is none */
  saidAtMs(msg: string): number | undefined {
    const line = this.#output.split('\n').findLast((each) => each.includes(`"msg":"${msg}"`));
    return line === undefined ? undefined : Date.parse((JSON.parse(line) as { at: string }).at);
  }

  /** whether it was given commands */
  get wasActive(): boolean {
    return this.says('the active relay') > 0;
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit', { signal: AbortSignal.timeout(ENDED_MS_MAX) });
    this.#child.kill(signal);
    await ended;
  }
}
