import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { Command, InvalidArgumentError } from 'commander';
import { Presets, SingleBar } from 'cli-progress';
import { CONTESTANT_NAMES, startContestants, type Contestant, type ContestantName } from './contestants.ts';
import { TEXT_BYTES } from './load/messages.ts';
import type { Job } from './load/job.ts';
import { ensurePeers, PEER_VERSIONS } from './peers.ts';
import { runJob, settle } from './processes.ts';
import { runCost } from './cost/run.ts';
import { runImport, type ImportResults } from './import/run.ts';
import { isTargetName, TARGET_NAMES } from './import/targets.ts';
import { figures, table, type ContestantResults } from './report.ts';
import type { SizeResults } from './size/measure.ts';
import { runSize } from './size/run.ts';

type Plan = Pick<
  Job,
  'sockets' | 'senders' | 'inFlight' | 'acceptSamples' | 'acceptMsMax' | 'warmupMs' | 'throughputMs' | 'fanoutPerS' | 'fanoutMs'
> & {
  rounds: number;
  /** no further round begins that would end later than this: on a busy machine there are fewer rounds */
  totalMsMax: number;
};

const QUICK: Plan = {
  rounds: 3,
  totalMsMax: 120_000,
  sockets: 200,
  senders: 32,
  inFlight: 256,
  acceptSamples: 150,
  acceptMsMax: 1_500,
  warmupMs: 1_000,
  throughputMs: 2_000,
  fanoutPerS: 100,
  fanoutMs: 1_500,
};
const LONG: Plan = {
  ...QUICK,
  rounds: 7,
  totalMsMax: 1_200_000,
  acceptSamples: 500,
  acceptMsMax: 6_000,
  warmupMs: 2_000,
  throughputMs: 5_000,
  fanoutMs: 5_000,
};
/** what other processes may use of the machine before the report warns of it */
const OTHER_CORES_MAX = 0.2;
const ROUNDS_MAX = 50;
const SOCKETS_MAX = 5_000;
const SENDERS_MAX = 100;
const IN_FLIGHT_MAX = 2_000;
/** the phase that compares a large session with a small one */
const SIZE = 'size';
const SIZE_SMALL_EVENTS = 1_000;
const SIZE_SAMPLES = 300;
/** the phase that compares read models with their drivers */
const IMPORT = 'import';
/** the phase that counts what a deployment would be billed for */
const COST = 'cost';
const IMPORT_PROBE_EVENTS = 50_000;
const EVENTS_MIN = 5_000;
const EVENTS_MAX = 1_000_000;
const EVENTS_DEFAULT = 100_000;

interface Options {
  quick: boolean;
  rounds?: number;
  sockets: number;
  senders: number;
  inFlight: number;
  edgeOnly: boolean;
  awake: boolean;
  only?: string;
  with?: string;
  targets: string;
  events: number;
  json?: string;
}

const program = new Command('bench')
  .description('Measures Millrace beside Socket.IO and partyserver rooms, in one run on this machine')
  .option('--quick', 'about two minutes instead of about fifteen, and without size', false)
  .option('--rounds <n>', 'rounds; in each, every contestant has its turn', whole(1, ROUNDS_MAX))
  .option('--sockets <n>', 'sockets in the room', whole(1, SOCKETS_MAX), QUICK.sockets)
  .option('--senders <n>', 'how many of the sockets send', whole(1, SENDERS_MAX), QUICK.senders)
  .option('--in-flight <n>', 'messages under way while measuring throughput', whole(1, IN_FLIGHT_MAX), QUICK.inFlight)
  .option('--edge-only', 'Millrace without NATS and consumers: the outbox only grows', false)
  .option('--awake', 'also a partyserver room that does not hibernate', false)
  .option('--only <names>', 'only these, comma-separated: contestants as the table names them, size, import, cost')
  .option('--with <stores>', 'size also on real databases: cassandra')
  .option('--targets <names>', 'import: only these read models and stores', TARGET_NAMES.join(','))
  .option(
    '--events <n>',
    'size: events in the large session; import: events in the stream',
    whole(EVENTS_MIN, EVENTS_MAX),
    EVENTS_DEFAULT,
  )
  .option('--json <file>', 'also write the raw figures there');

function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < least || value > most) {
      throw new InvalidArgumentError(`a whole number from ${least} to ${most} is needed`);
    }
    return value;
  };
}

async function main(): Promise<void> {
  const options = program.parse().opts<Options>();
  if (options.with !== undefined && options.with !== 'cassandra')
    throw new Error(`--with knows cassandra, not "${options.with}"`);
  const base = options.quick ? QUICK : LONG;
  const { sockets, inFlight } = options;
  const plan: Plan = {
    ...base,
    sockets,
    senders: Math.min(options.senders, sockets),
    inFlight,
    // rounds that were asked for take as long as they take
    ...(options.rounds === undefined ? {} : { rounds: options.rounds, totalMsMax: Number.MAX_SAFE_INTEGER }),
  };
  const names = chosenNames(options);
  const results = names.length === 0 ? undefined : await compareContestants(names, plan, options);
  const sizes = wantsSize(options) ? await measureSizes(options) : [];
  const imports = wants(options, IMPORT) ? await measureImport(options) : undefined;
  const cost = wants(options, COST) ? await runCost() : undefined;
  if (options.json === undefined) return;
  const machine = {
    cpu: cpus()[0]?.model,
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    node: process.versions.node,
  };
  const contestants = results === undefined ? {} : { peers: PEER_VERSIONS, plan, medians: figures(results), results };
  const raw = {
    measuredAt: new Date().toISOString(),
    machine,
    options,
    ...contestants,
    sizes,
    ...(imports === undefined ? {} : { imports }),
    ...(cost === undefined ? {} : { cost }),
  };
  await writeFile(options.json, `${JSON.stringify(raw, null, 2)}\n`);
}

async function compareContestants(names: ContestantName[], plan: Plan, options: Options): Promise<ContestantResults[]> {
  console.log('fetching the peers, starting the servers …');
  const peers = await ensurePeers();
  const contestants = await startContestants(names, peers, {
    edgeOnly: options.edgeOnly,
    compatibilityDate: await compatibilityDate(),
  });
  try {
    for (const each of contestants) console.log(`  ${each.name}: ${each.server.announcement.detail}`);
    const { results, busy } = await runRounds(contestants, plan);
    print(results, plan, busy);
    return results;
  } finally {
    await Promise.all([...new Set(contestants.map((each) => each.server))].map((server) => server.stop()));
  }
}

/** One store after the other: each has the machine to itself. */
async function measureSizes(options: Options): Promise<SizeResults[]> {
  const plan = { smallEvents: SIZE_SMALL_EVENTS, largeEvents: options.events, samples: SIZE_SAMPLES };
  const results = [await runSize('embedded', plan)];
  if (options.with === 'cassandra') results.push(await runSize('Cassandra', plan));
  return results;
}

async function measureImport({ events, targets: names }: Options): Promise<ImportResults> {
  const targets = wantedNames(names);
  const unknown = targets.find((name) => !isTargetName(name));
  if (unknown !== undefined) throw new Error(`--targets knows ${TARGET_NAMES.join(', ')}, not "${unknown}"`);
  const plan = { events, targets: targets.filter(isTargetName), probeEvents: IMPORT_PROBE_EVENTS, profiles: true };
  return await runImport(plan);
}

/** Each contestant in its turn, round after round, so that whatever drifts on the machine drifts for all. */
async function runRounds(contestants: Contestant[], plan: Plan): Promise<{ results: ContestantResults[]; busy: string[] }> {
  const results = contestants.map((each) => ({ name: each.name, rounds: [] as ContestantResults['rounds'] }));
  const busy: string[] = [];
  const bar = new SingleBar(
    { format: '{bar} {value}/{total} {what} ', clearOnComplete: true, noTTYOutput: false },
    Presets.shades_classic,
  );
  bar.start(plan.rounds * contestants.length, 0, { what: '' });
  try {
    const startedAt = performance.now();
    for (let round = 0; round < plan.rounds; round += 1) {
      if (round > 0 && ((performance.now() - startedAt) * (round + 1)) / round > plan.totalMsMax) break;
      for (const [index, each] of contestants.entries()) {
        const { url, pids, jwtSecret } = each.server.announcement;
        const secret = jwtSecret === undefined ? {} : { jwtSecret };
        const job: Job = { ...plan, ...each.speaks, ...secret, url, pids, roomPrefix: `bench-${process.pid}-${round}` };
        const result = await runJob(job, (phase) => bar.update({ what: `${each.name}: ${phase}` }));
        results[index]?.rounds.push(result);
        // what it still has to do must not burden the next
        if (!(await settle(pids.all))) busy.push(each.name);
        bar.increment(1);
      }
    }
  } finally {
    bar.stop();
  }
  return { results, busy };
}

function chosenNames(options: Options): ContestantName[] {
  if (options.only === undefined) return CONTESTANT_NAMES.filter((name) => options.awake || name !== 'partyserver awake');
  const wanted = wantedNames(options.only);
  const known = [...CONTESTANT_NAMES.map((name) => name.toLowerCase()), SIZE, IMPORT, COST];
  const unknown = wanted.find((each) => !known.includes(each));
  if (unknown !== undefined)
    throw new Error(`there is no "${unknown}" to measure: ${[...CONTESTANT_NAMES, SIZE, IMPORT, COST].join(', ')}`);
  return CONTESTANT_NAMES.filter((name) => wanted.includes(name.toLowerCase()));
}

/** It takes minutes: events stay at the edge for one before they leave it. */
function wantsSize(options: Options): boolean {
  return options.only === undefined ? !options.quick : wantedNames(options.only).includes(SIZE);
}

/** Only when asked for: the import starts three databases and takes many minutes, and what is counted does not vary. */
function wants(options: Options, phase: string): boolean {
  return options.only !== undefined && wantedNames(options.only).includes(phase);
}

function wantedNames(only: string): string[] {
  return only.split(',').map((name) => name.trim().toLowerCase());
}

function print(results: ContestantResults[], plan: Plan, busy: string[]): void {
  const peers = Object.entries(PEER_VERSIONS).map(([name, version]) => `${name} ${version}`);
  console.log(`\n${table(results)}\n`);
  const rounds = results[0]?.rounds.length ?? 0;
  console.log(`Medians of ${rounds} of ${plan.rounds} rounds, contestants in turn; × is the multiple of the first column. ${peers.join(', ')}.
${plan.sockets} sockets in one room, ${plan.senders} of them send; the text is ${TEXT_BYTES} bytes. Accept: one message at a time, the next once this one
reached every socket. Fan-out: ${plan.fanoutPerS} messages/s, from the send to each socket's receipt. Deliveries/s: ${plan.inFlight} messages under way.
Every contestant is spoken to by the same bare WebSocket client in a process of its own (its cores are in the table: near 1.00 it is
the limit, and deliveries/s is a floor), and every socket was proved to have got every message once, all in the same order.
Millrace accepts once the message is on disk at the edge, with NATS and its consumers running; its LIMIT_* variables are raised for this run.
Socket.IO and the plain partyserver room store nothing; the SQLite room stores one row per message before it accepts.

This is a local figure, not a production figure: workerd here has no CPU or memory limits, no replication and no network between its
parts, and everything shares ${availableParallelism()} cores. Compare columns of one run, not runs of different machines.`);
  const others = figures(results).find((each) => each.key === 'otherCores')?.values ?? [];
  const disturbed = Math.max(...others.map((value) => value ?? 0));
  if (disturbed > OTHER_CORES_MAX) {
    console.log(
      `Other processes kept up to ${disturbed.toFixed(2)} cores busy meanwhile: latencies and rates suffered, CPU per delivery least.`,
    );
  }
  if (busy.length > 0)
    console.log(`Still busy 30 s after its turn, so that the next one's figures suffered: ${[...new Set(busy)].join(', ')}.`);
}

/** The one of wrangler.toml, so that the peers' workerd behaves as Millrace's does. */
async function compatibilityDate(): Promise<string> {
  const configuration = await readFile(new URL('../wrangler.toml', import.meta.url), 'utf8');
  const found = /^compatibility_date = "([\d-]+)"/m.exec(configuration)?.[1];
  if (found === undefined) throw new Error('wrangler.toml has no compatibility_date');
  return found;
}

main().catch((error: unknown) => {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
