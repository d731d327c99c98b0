import { fork } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { consume, type Consumed } from './consumer.ts';
import { startDatabase, type Database } from './databases.ts';
import { importLine, importNotes, importTable, whereLines } from './report.ts';
import { startStream, type EventStream } from './stream.ts';
import { IN_FLIGHT, LABELS, RATIO_MIN, roleOf, type TargetName } from './targets.ts';
import type { WriterAnswer, WriterJob } from './writer-job.ts';

const SECRET = 'a-secret-of-the-bench-of-imports';
/** written to a database before it is measured: whoever came first would pay for its start */
const WARMUP_EVENTS_MAX = 5_000;
const WARMUP_IN_FLIGHT = 256;
const READ_EVENTS_MAX = 100_000;
const WRITER_MS_MAX = 3_600_000;

export interface ImportPlan {
  /** in the stream */
  events: number;
  targets: readonly TargetName[];
  /** of the driver at each number in flight: the first so many events. The best one then writes all. */
  probeEvents: number;
  /** where the ratio is missed: the consumer once more, watched */
  profiles: boolean;
}

export interface DriverRate {
  inFlight: number;
  eventsPerS: number;
  writesPerEvent: number;
}

export interface ImportResult {
  target: TargetName;
  consumed: Consumed;
  /** events or documents that the store held afterwards */
  stored: number;
  /** the driver alone, at each number in flight */
  probes: DriverRate[];
  /** at its best, over all events */
  driver: DriverRate;
  ratio: number;
  /** what a read model that stores nothing takes from the stream: none can take more */
  streamEventsPerS: number;
  isMet: boolean;
  deadLetters: number;
  /** of the machine, over a minute, when the consumer ended */
  load: number;
  profile?: Consumed['profile'];
}

export interface ImportResults {
  events: number;
  payloadBytes: number;
  results: ImportResult[];
}

/** Fills a stream, and has each read model take it, and then the driver alone do the same writes. */
export async function runImport(plan: ImportPlan, say: (line: string) => void = console.log): Promise<ImportResults> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-import-'));
  const edge = await startEdge();
  let stream: EventStream | undefined;
  try {
    stream = await startStream(join(directory, 'nats'));
    say(`\nimport: filling the stream with ${plan.events.toLocaleString('en-US')} events …`);
    const payloadBytes = await stream.fill(plan.events);
    const results: ImportResult[] = [];
    for (const target of plan.targets) {
      say(`  import: ${LABELS[target]} …`);
      const result = await measure({ target, plan, stream, directory: join(directory, target), edgeUrl: edge.url });
      results.push(result);
      // at once: a run of a million events may be ended before its last
      say(importLine(result));
    }
    const measured = { events: plan.events, payloadBytes, results };
    say(`\n${importTable(measured)}\n\n${importNotes(measured)}`);
    for (const result of results) if (result.profile !== undefined) say(whereLines(result.target, result.profile).join('\n'));
    return measured;
  } finally {
    await stream?.stop();
    await edge.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

interface Place {
  target: TargetName;
  plan: ImportPlan;
  stream: EventStream;
  directory: string;
  edgeUrl: string;
}

async function measure(place: Place): Promise<ImportResult> {
  const { target, plan, stream, directory } = place;
  await mkdir(directory, { recursive: true });
  const database = await startDatabase(target, directory);
  try {
    await drive(place, database, 'warmup', Math.min(WARMUP_EVENTS_MAX, plan.events), WARMUP_IN_FLIGHT);
    const env = variables(place, database, 'consumer');
    const streamEventsPerS = await readAlone(place, env);
    const consumed = await consumeWith(place, env);
    const load = loadavg()[0] ?? 0;
    const deadLetters = await stream.deadLetters();
    const counted = await runWriter({ kind: 'count', target }, env);
    const stored = counted.kind === 'counted' ? counted.count : 0;
    const probes: DriverRate[] = [];
    for (const inFlight of IN_FLIGHT) {
      probes.push(await drive(place, database, `probe${inFlight}`, Math.min(plan.probeEvents, plan.events), inFlight));
    }
    const best = probes.reduce((a, b) => (b.eventsPerS > a.eventsPerS ? b : a));
    const isWhole = plan.probeEvents >= plan.events;
    const driver = isWhole ? best : await drive(place, database, 'whole', plan.events, best.inFlight);
    const ratio = consumed.eventsPerS / driver.eventsPerS;
    const isMet = ratio >= RATIO_MIN;
    const result = { target, consumed, stored, probes, driver, ratio, streamEventsPerS, isMet, deadLetters, load };
    if (result.isMet || !plan.profiles) return result;
    return { ...result, profile: await profileOf(place, database) };
  } finally {
    await database.stop();
  }
}

/** Half of the events are messages at least, whatever the read model takes. */
async function readAlone({ target, plan }: Place, env: Record<string, string>): Promise<number> {
  const answer = await runWriter({ kind: 'read', target, events: Math.min(READ_EVENTS_MAX, Math.floor(plan.events / 2)) }, env);
  return answer.kind === 'read' ? (answer.events / answer.ms) * 1_000 : 0;
}

/** Once more, watched: where the time goes. */
async function profileOf(place: Place, database: Database): Promise<Consumed['profile']> {
  const { profile } = await consumeWith(place, variables(place, database, 'profiled'), join(place.directory, 'profile'));
  return profile;
}

async function consumeWith(place: Place, env: Record<string, string>, profileDir?: string): Promise<Consumed> {
  const { target, plan, stream } = place;
  const role = roleOf(target);
  await stream.forgetReaders(role);
  if (target === 'history-cassandra') await runWriter({ kind: 'write', target, events: 0, inFlight: 1 }, env);
  const { manager } = stream;
  const job = { role, env, manager, events: plan.events, ...(profileDir === undefined ? {} : { profileDir }) };
  return await consume(job);
}

async function drive(place: Place, database: Database, name: string, events: number, inFlight: number): Promise<DriverRate> {
  const { target } = place;
  const written = await runWriter({ kind: 'write', target, events, inFlight }, variables(place, database, name));
  if (written.kind !== 'written') throw new Error('the driver wrote nothing');
  return {
    inFlight,
    eventsPerS: (written.events / written.ms) * 1_000,
    writesPerEvent: written.writes / Math.max(1, written.events),
  };
}

function variables({ directory, stream, edgeUrl }: Place, database: Database, name: string): Record<string, string> {
  const dataDir = join(directory, name);
  return {
    NATS_URL: stream.url,
    EDGE_URL: edgeUrl,
    INTERNAL_SECRET: SECRET,
    DATA_DIR: dataDir,
    METRICS_PORT: '0',
    ...database.variables(`bench_${name}`, dataDir),
  };
}

async function runWriter(job: WriterJob, env: Record<string, string>): Promise<WriterAnswer> {
  const child = fork(fileURLToPath(new URL('writer-process.ts', import.meta.url)), {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), WRITER_MS_MAX);
  try {
    const answer = await new Promise<WriterAnswer>((resolve, reject) => {
      child.once('message', (message) => resolve(message as WriterAnswer));
      child.once('exit', (code, signal) => reject(new Error(`the driver's process ended (${signal ?? code})`)));
      child.once('error', reject);
      child.send(job);
    });
    if (answer.kind === 'error') throw new Error(`the driver of ${job.target}: ${answer.message}`);
    return answer;
  } finally {
    clearTimeout(timer);
    child.kill();
  }
}

/** Takes receipts as an edge does whose Sessions are all well. */
async function startEdge(): Promise<{ url: string; stop: () => Promise<void> }> {
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => response.writeHead(200, { 'Content-Type': 'application/json' }).end('{"failed":[],"left":[]}'));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve());
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}
