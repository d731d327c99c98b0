import { spawn, type ChildProcess } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ConsumerInfo, JetStreamManager } from '@nats-io/jetstream';
import { EVENTS_STREAM } from '../../shared/contract/subjects.ts';
import { treeCpuMs } from '../cpu.ts';
import { memoryUse, residentBytes, type MemorySample, type MemoryUse } from './memory.ts';
import { whereTimeGoes, type CpuProfile, type WhereTimeGoes } from './profile.ts';

/** The consumers with one role, as a process of their own, from its first event to its last. */

const MAIN = fileURLToPath(new URL('../../consumers/main.ts', import.meta.url));
const POLL_MS = 25;
const MEMORY_EVERY_MS = 1_000;
/** of a short run, so that it has samples too */
const MEMORY_EVERY_MS_MIN = 100;
const MEMORY_OFTEN_EVENTS = 100_000;
const BEGIN_MS_MAX = 60_000;
/** without a step forward for so long it has failed */
const STALLED_MS_MAX = 60_000;
const STOP_MS_MAX = 30_000;
const SAID_CHARS_MAX = 4_000;

export interface Consumed {
  events: number;
  ms: number;
  eventsPerS: number;
  /** of the consumer's process, per event */
  cpuUs: number;
  memory: MemoryUse | undefined;
  redelivered: number;
  profile?: WhereTimeGoes;
}

export interface ConsumeJob {
  role: string;
  env: Record<string, string>;
  manager: JetStreamManager;
  /** events in the stream: how closely memory is watched */
  events: number;
  /** where a profile of the processor is written; absent: none is taken, which costs some speed */
  profileDir?: string;
}

/** Rejects when it ends, or stalls, before all is taken. */
export async function consume(job: ConsumeJob): Promise<Consumed> {
  const { role, env, manager, profileDir } = job;
  const profiling = profileDir === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDir}`];
  const child = spawn(process.execPath, [...profiling, MAIN, '--roles', role], {
    env: { PATH: process.env['PATH'], METRICS_PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const output of [child.stdout, child.stderr]) {
    output.on('data', (chunk: Buffer) => (said = `${said}${chunk.toString()}`.slice(-SAID_CHARS_MAX)));
  }
  try {
    const measured = await untilTaken(child, role, manager, job.events);
    await stopped(child);
    return { ...measured, ...(profileDir === undefined ? {} : { profile: await profileIn(profileDir) }) };
  } catch (error) {
    throw new Error(`${role}: ${error instanceof Error ? error.message : String(error)}\n${said}`, { cause: error });
  } finally {
    await stopped(child);
  }
}

async function untilTaken(child: ChildProcess, role: string, manager: JetStreamManager, events: number): Promise<Consumed> {
  const { pid = 0 } = child;
  const resident: MemorySample[] = [];
  let done = 0;
  const everyMs = events < MEMORY_OFTEN_EVENTS ? MEMORY_EVERY_MS_MIN : MEMORY_EVERY_MS;
  const begun = await polled(child, role, manager, BEGIN_MS_MAX, ({ delivered }) => delivered.consumer_seq > 0);
  const startedAt = performance.now();
  const cpuBefore = treeCpuMs([pid]);
  const look = (): void => {
    const bytes = residentBytes(pid);
    if (bytes !== undefined) resident.push({ done, bytes });
  };
  const sampling = setInterval(look, everyMs);
  try {
    const ended = await polled(child, role, manager, STALLED_MS_MAX, (info) => {
      const taken = info.ack_floor.consumer_seq;
      done = taken / Math.max(1, taken + info.num_pending + info.num_ack_pending);
      return info.num_pending === 0 && info.num_ack_pending === 0;
    });
    const ms = performance.now() - startedAt;
    // what was taken before the first look is not counted
    const taken = ended.ack_floor.consumer_seq - begun.ack_floor.consumer_seq;
    return {
      events: ended.ack_floor.consumer_seq,
      ms,
      eventsPerS: (taken / ms) * 1_000,
      cpuUs: ((treeCpuMs([pid]) - cpuBefore) / taken) * 1_000,
      memory: memoryUse(resident),
      redelivered: ended.num_redelivered,
    };
  } finally {
    clearInterval(sampling);
  }
}

/** Looks again and again until it holds; the time begins anew with each step forward. */
async function polled(
  child: ChildProcess,
  role: string,
  manager: JetStreamManager,
  msMax: number,
  holds: (info: ConsumerInfo) => boolean,
): Promise<ConsumerInfo> {
  let deadlineMs = Date.now() + msMax;
  let floor = 0;
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error('the process ended');
    const info = await manager.consumers.info(EVENTS_STREAM, role).catch(() => undefined);
    if (info !== undefined && holds(info)) return info;
    if (info !== undefined && info.ack_floor.consumer_seq > floor) {
      floor = info.ack_floor.consumer_seq;
      deadlineMs = Date.now() + msMax;
    }
    if (Date.now() > deadlineMs) throw new Error(`no step forward in ${msMax} ms, at ${floor}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX);
  await ended;
  clearTimeout(timer);
}

async function profileIn(directory: string): Promise<WhereTimeGoes> {
  const files = (await readdir(directory)).filter((name) => name.endsWith('.cpuprofile'));
  const profiles = await Promise.all(
    files.map(async (name) => JSON.parse(await readFile(join(directory, name), 'utf8')) as CpuProfile),
  );
  // the watchdog's thread has one too, of next to nothing
  const [largest] = profiles.toSorted((a, b) => b.nodes.length - a.nodes.length);
  if (largest === undefined) throw new Error('no profile was written');
  return whereTimeGoes(largest);
}
