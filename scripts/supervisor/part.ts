import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

export type PartName = 'nats' | 'edge' | 'consumers';

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
export function createPart(spec: PartSpec, hooks: PartHooks): Part {
  const { name } = spec;
  const offspring = new Map<string, number>();
  let child: ChildProcess | undefined;
  let gone: Promise<void> = Promise.resolve();
  let wanted = false;
  let restarts = 0;
  let deathsInARow = 0;
  let backoff: NodeJS.Timeout | undefined;

  const launch = (): void => {
    const startedAtMs = Date.now();
    const stdio = spec.channel ? (['ignore', 'pipe', 'pipe', 'ipc'] as const) : (['ignore', 'pipe', 'pipe'] as const);
    const running = spawn(spec.command, spec.args, { cwd: spec.cwd, env: spec.env, stdio: [...stdio] });
    child = running;
    if (running.pid !== undefined) hooks.started(name, running.pid);
    forwardLines(running.stdout, (line) => hooks.log(name, line));
    forwardLines(running.stderr, (line) => hooks.log(name, line));
    running.on('message', (message) => {
      if (!isOffspring(message)) return;
      offspring.set(message.child, message.pid);
      hooks.started(message.child, message.pid);
    });
    gone = new Promise((settle) => {
      const end = (how: string): void => {
        if (child === running) child = undefined;
        void ended(how, Date.now() - startedAtMs).then(settle);
      };
      running.once('error', (error) => running.pid === undefined && end(error.message));
      running.once('exit', (code, signal) => end(signal ?? `exit code ${code}`));
    });
  };

  const ended = async (how: string, ranMs: number): Promise<void> => {
    const names = [name, ...offspring.keys()];
    offspring.clear();
    for (const one of names) await hooks.ended(one);
    if (!wanted) return;
    deathsInARow = ranMs >= WELL_AFTER_MS ? 1 : deathsInARow + 1;
    const waitMs = Math.min(BACKOFF_MS_MIN * 2 ** (deathsInARow - 1), BACKOFF_MS_MAX);
    restarts += 1;
    hooks.say(`${name} died (${how}): starting it again in ${waitMs / 1000} s`);
    backoff = setTimeout(launch, waitMs);
  };

  return {
    name,
    offspring,
    get pid() {
      return child?.pid;
    },
    get restarts() {
      return restarts;
    },
    start() {
      if (wanted) return;
      wanted = true;
      deathsInARow = 0;
      launch();
    },
    async stop() {
      wanted = false;
      clearTimeout(backoff);
      const running = child;
      const killer = setTimeout(() => running?.kill('SIGKILL'), STOP_MS_MAX);
      running?.kill('SIGTERM');
      await gone;
      clearTimeout(killer);
    },
    kill(signal) {
      child?.kill(signal);
    },
  };
}
