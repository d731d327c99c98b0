import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

export type PartName = 'nats' | 'edge' | 'consumers' | 'cassandra' | 'opensearch';

export interface PartSpec {
  name: PartName;
  command: string;
  args: string[];
  env: Record<string, string | undefined>;
  cwd: string;
  /** a Node child gets a channel: it ends itself when we are gone, and tells what it started */
  channel: boolean;
}

export interface PartHooks {
  say(line: string): void;
  log(name: PartName, line: string): void;
  started(name: string, pid: number): void;
  ended(name: string): Promise<void>;
}

export interface Part {
  readonly name: PartName;
  /** of the running process */
  readonly pid: number | undefined;
  /** processes that the part started and told of, by name */
  readonly offspring: ReadonlyMap<string, number>;
  /** how often it died and was started again */
  readonly restarts: number;
  start(): void;
  /** Resolves when the process is gone; it is not started again. */
  stop(): Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

/** after each death the wait doubles, from the first to the last of these */
const BACKOFF_MS_MIN = 250;
const BACKOFF_MS_MAX = 10_000;
/** a part that ran this long is thought well again */
const WELL_AFTER_MS = 30_000;
/** asked to stop, a part has this long before it is killed */
const STOP_MS_MAX = 8_000;

function isOffspring(message: unknown): message is { child: string; pid: number } {
  if (typeof message !== 'object' || message === null) return false;
  return typeof Reflect.get(message, 'child') === 'string' && typeof Reflect.get(message, 'pid') === 'number';
}

function forwardLines(stream: Readable | null, take: (line: string) => void): void {
  if (stream) createInterface({ input: stream }).on('line', take);
}

/** Keeps one process running until it is told to stop. */
class SupervisedPart implements Part {
  readonly name: PartName;
  readonly offspring = new Map<string, number>();
  restarts = 0;
  readonly #spec: PartSpec;
  readonly #hooks: PartHooks;
  #child: ChildProcess | undefined;
  /** resolves once the last process and what it started are gone */
  #gone: Promise<void> = Promise.resolve();
  #wanted = false;
  #deathsInARow = 0;
  #backoff: NodeJS.Timeout | undefined;

  constructor(spec: PartSpec, hooks: PartHooks) {
    this.name = spec.name;
    this.#spec = spec;
    this.#hooks = hooks;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  start(): void {
    if (this.#wanted) return;
    this.#wanted = true;
    this.#deathsInARow = 0;
    this.#launch();
  }

  async stop(): Promise<void> {
    this.#wanted = false;
    clearTimeout(this.#backoff);
    const running = this.#child;
    const killer = setTimeout(() => running?.kill('SIGKILL'), STOP_MS_MAX);
    running?.kill('SIGTERM');
    await this.#gone;
    clearTimeout(killer);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  #launch(): void {
    const { command, args, cwd, env, channel } = this.#spec;
    const startedAtMs = Date.now();
    const child = spawn(command, args, {
      cwd,
      env,
      stdio: channel ? ['ignore', 'pipe', 'pipe', 'ipc'] : ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    if (child.pid !== undefined) this.#hooks.started(this.name, child.pid);
    forwardLines(child.stdout, (line) => this.#hooks.log(this.name, line));
    forwardLines(child.stderr, (line) => this.#hooks.log(this.name, line));
    child.on('message', (message) => this.#noteOffspring(message));
    this.#gone = new Promise((settle) => {
      const end = (how: string): void => {
        if (this.#child === child) this.#child = undefined;
        void this.#ended(how, Date.now() - startedAtMs).finally(settle);
      };
      // Without a pid it never ran, and there will be no exit.
      child.once('error', (error) => child.pid === undefined && end(error.message));
      child.once('exit', (code, signal) => end(signal ?? `exit code ${code}`));
    });
  }

  #noteOffspring(message: unknown): void {
    if (!isOffspring(message)) return;
    this.offspring.set(message.child, message.pid);
    this.#hooks.started(message.child, message.pid);
  }

  async #ended(how: string, ranMs: number): Promise<void> {
    const names = [this.name, ...this.offspring.keys()];
    this.offspring.clear();
    for (const name of names) {
      // A leftover that does not end is said, and the next start finds its port taken.
      await this.#hooks.ended(name).catch((error: unknown) => this.#hooks.say(`${name}: ${String(error)}`));
    }
    if (!this.#wanted || this.#child) return;
    this.#deathsInARow = ranMs >= WELL_AFTER_MS ? 1 : this.#deathsInARow + 1;
    const waitMs = Math.min(BACKOFF_MS_MIN * 2 ** (this.#deathsInARow - 1), BACKOFF_MS_MAX);
    this.restarts += 1;
    this.#hooks.say(`${this.name} died (${how}): starting it again in ${waitMs / 1000} s`);
    this.#backoff = setTimeout(() => this.#launch(), waitMs);
  }
}

export function createPart(spec: PartSpec, hooks: PartHooks): Part {
  return new SupervisedPart(spec, hooks);
}
