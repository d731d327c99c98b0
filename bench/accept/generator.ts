import { setTimeout as sleep } from 'node:timers/promises';
import { HttpClient } from '../load/http-client.ts';
import { messageText } from '../load/messages.ts';
import { RawHttp } from '../load/raw-http.ts';
import { tokenOf, userId } from '../load/token.ts';
import { spread } from '../stats.ts';
import { runAsGenerator } from '../load/as-generator.ts';
import type { CommandJob, CommandResult } from './job.ts';

/** A generator of commands: gets one CommandJob from its parent, answers with a CommandResult, and ends. */

const CREATES_AT_ONCE_MAX = 8;
/** a percentile of fewer says nothing: on a busy machine it goes on until there are so many, within a bound */
const SAMPLES_MIN = 20;
const OVERTIME_MS_MAX = 30_000;

async function run(job: CommandJob): Promise<CommandResult> {
  const token = await tokenOf(userId(0), job.jwtSecret);
  const sessions = Array.from({ length: job.sessions }, (_, index) => `${job.prefix}-${index}`);
  if (job.creates) await create(job, token, sessions);
  const connections = Array.from({ length: job.inFlight }, () => new RawHttp(job.url));
  await Promise.all(connections.map((each) => each.open()));
  try {
    return await measure(job, token, sessions, connections);
  } finally {
    for (const each of connections) each.close();
  }
}

async function create(job: CommandJob, token: string, sessions: readonly string[]): Promise<void> {
  const http = new HttpClient(job.url, CREATES_AT_ONCE_MAX);
  try {
    const left = sessions.values();
    const lane = async (): Promise<void> => {
      for (const id of left) {
        const answer = await http.post('/v1/sessions', token, { id, title: 'bench' });
        if (answer.status !== 202) throw new Error(`a session was not made: ${answer.status} ${answer.body.slice(0, 400)}`);
      }
    };
    await Promise.all(Array.from({ length: CREATES_AT_ONCE_MAX }, lane));
  } finally {
    http.close();
  }
}

async function measure(
  job: CommandJob,
  token: string,
  sessions: readonly string[],
  connections: readonly RawHttp[],
): Promise<CommandResult> {
  const startedAt = performance.now();
  const startsAt = startedAt + job.warmupMs;
  const endsAt = startsAt + job.measureMs;
  const latencies: number[] = [];
  let number = 0;
  let cpu: NodeJS.CpuUsage | undefined;
  let lastAt = endsAt;
  const lane = async (connection: RawHttp): Promise<void> => {
    for (let now = performance.now(); now < endsAt || latencies.length < SAMPLES_MIN; now = performance.now()) {
      if (now > endsAt + OVERTIME_MS_MAX) throw new Error(`${latencies.length} answers in ${job.measureMs + OVERTIME_MS_MAX} ms`);
      if (now >= startsAt) cpu ??= process.cpuUsage();
      const mine = number;
      number += 1;
      if (job.perS !== undefined) await sleep(Math.max(0, startedAt + (mine * 1_000) / job.perS - now));
      const session = sessions[mine % sessions.length] ?? '';
      const body = JSON.stringify({ text: messageText(mine) });
      const sentAt = performance.now();
      const status = await connection.post(connection.request(`/v1/sessions/${session}/messages`, token, body));
      if (status !== 202) throw new Error(`a message was not accepted: ${connection.last}`);
      if (now < startsAt) continue;
      lastAt = performance.now();
      latencies.push(lastAt - sentAt);
    }
  };
  await Promise.all(connections.map(lane));
  const used = process.cpuUsage(cpu);
  // the last answers came a moment after the end
  const measuredMs = Math.max(lastAt, endsAt) - startsAt;
  return {
    accepted: number,
    acceptedPerS: (latencies.length * 1_000) / measuredMs,
    answer: spread(latencies),
    clientCores: (used.user + used.system) / 1_000 / measuredMs,
  };
}

runAsGenerator(run);
