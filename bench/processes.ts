import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { treeCpuMs } from './cpu.ts';
import type { GeneratorMessage, Job, JobResult } from './load/job.ts';
import type { Announcement, ServerMessage } from './servers/announce.ts';

const SERVER_START_MS_MAX = 90_000;
const SERVER_STOP_MS_MAX = 30_000;
const JOB_MS_MAX = 300_000;
/** a contestant still busy after this (a long backlog) is measured beside all the same, and the report says so */
const SETTLE_MS_MAX = 30_000;
const SETTLE_STEP_MS = 250;
const SETTLED_CORES_MAX = 0.08;

/** What a generator answers its job with. */
export type GeneratorAnswer<T> = { kind: 'result'; result: T } | { kind: 'error'; message: string };

export interface RunningServer {
  announcement: Announcement;
  stop(): Promise<void>;
}

/** Starts `script` (relative to this file) as a process and waits until it listens. Rejects with what it said otherwise. */
export async function startServer(script: string, args: readonly string[]): Promise<RunningServer> {
  const child = start(script, args);
  try {
    const announcement = await firstOf<Announcement>(
      child,
      SERVER_START_MS_MAX,
      `${script} to listen`,
      (message: ServerMessage) => {
        if (message.kind === 'error') throw new Error(message.message);
        return message.announcement;
      },
    );
    return { announcement, stop: () => stop(child) };
  } catch (error) {
    await stop(child);
    throw error;
  }
}

/** Runs a job in a load generator of its own. `onPhase` hears what it is doing. */
export async function runJob(job: Job, onPhase: (name: string) => void): Promise<JobResult> {
  const child = start('load/generator.ts', []);
  try {
    const result = firstOf<JobResult>(child, JOB_MS_MAX, 'the load generator', (message: GeneratorMessage) => {
      if (message.kind === 'error') throw new Error(`${job.contestant}: ${message.message}`);
      if (message.kind === 'result') return message.result;
      onPhase(message.name);
      return undefined;
    });
    child.send(job);
    return await result;
  } finally {
    await stop(child);
  }
}

/** Runs a job of any other generator in a process of its own. */
export async function runGenerator<T>(script: string, job: object): Promise<T> {
  const child = start(script, []);
  try {
    const result = firstOf<T>(child, JOB_MS_MAX, script, (message: GeneratorAnswer<T>) => {
      if (message.kind === 'error') throw new Error(`${script}: ${message.message}`);
      return message.result;
    });
    child.send(job);
    return await result;
  } finally {
    await stop(child);
  }
}

/** Waits until the processes below `roots` do next to nothing; false when they still did after 30 s. */
export async function settle(roots: readonly number[]): Promise<boolean> {
  const deadline = performance.now() + SETTLE_MS_MAX;
  while (performance.now() < deadline) {
    const [before, at] = [treeCpuMs(roots), performance.now()];
    await new Promise((resolve) => setTimeout(resolve, SETTLE_STEP_MS));
    if ((treeCpuMs(roots) - before) / (performance.now() - at) <= SETTLED_CORES_MAX) return true;
  }
  return false;
}

function start(script: string, args: readonly string[]): ChildProcess {
  return fork(fileURLToPath(new URL(script, import.meta.url)), args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
}

/** Resolves with the first message of `child` that `take` makes something of; rejects when the child ends or time is up. */
async function firstOf<T>(
  child: ChildProcess,
  limitMs: number,
  what: string,
  take: (message: never) => T | undefined,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<T>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`waited ${limitMs} ms for ${what}`)), limitMs);
      child.once('exit', (code, signal) => reject(new Error(`${what}: the process ended (${signal ?? code})`)));
      child.once('error', reject);
      child.on('message', (message) => {
        try {
          const taken = take(message as never);
          if (taken !== undefined) resolve(taken);
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      });
    });
  } finally {
    clearTimeout(timer);
    child.removeAllListeners('message');
  }
}

/** Asks the process to stop, and kills it when it has not within 30 s. */
async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  child.once('exit', () => resolve());
  const timer = setTimeout(() => child.kill('SIGKILL'), SERVER_STOP_MS_MAX);
  if (child.connected) child.send('stop');
  await ended;
  clearTimeout(timer);
}
