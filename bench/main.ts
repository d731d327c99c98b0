import { writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { Command, InvalidArgumentError } from 'commander';
import { runContest, type Contest, type ContestPlan } from './contest.ts';
import { CONTESTANT_NAMES, type ContestantName } from './contestants.ts';
import { TARGET_NAMES } from './import/targets.ts';
import { MEASURES, type Measure, type Measured } from './measures.ts';
import { PEER_VERSIONS } from './peers.ts';
import { figures } from './report.ts';
import { targetTable, type Verdict } from './targets.ts';

const QUICK: ContestPlan = {
  phases: 'all',
  rounds: 5,
  totalMsMax: 300_000,
  sockets: 200,
  senders: 32,
  inFlight: 256,
  acceptSamples: 100,
  acceptMsMax: 1_000,
  warmupMs: 700,
  throughputMs: 1_500,
  fanouts: [
    { perS: 20, ms: 2_500 },
    { perS: 100, ms: 1_500 },
  ],
};
const LONG: ContestPlan = {
  ...QUICK,
  rounds: 7,
  totalMsMax: 1_500_000,
  acceptSamples: 500,
  acceptMsMax: 6_000,
  warmupMs: 2_000,
  throughputMs: 5_000,
  fanouts: [
    { perS: 20, ms: 5_000 },
    { perS: 100, ms: 5_000 },
  ],
};
/** the same with many more sockets, only how much goes through */
const CROWD = 'crowd';
const CROWD_SOCKETS = 2_000;
const CROWD_ROUNDS = 5;
const CROWD_CONTESTANTS: readonly ContestantName[] = ['Millrace', 'Socket.IO', 'partyserver + SQLite'];
/** of the contestants these are only in longer runs, or when they are asked for */
const NOT_IN_QUICK: readonly ContestantName[] = ['one event per frame', 'Socket.IO + recovery', 'partyserver'];
const ROUNDS_MAX = 50;
const SOCKETS_MAX = 5_000;
const SENDERS_MAX = 100;
const IN_FLIGHT_MAX = 2_000;
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

const KNOWN_NAMES = [...CONTESTANT_NAMES, CROWD, ...MEASURES.map(({ name }) => name)];

const program = new Command('bench')
  .description('Measures Millrace beside its peers, in one run on this machine')
  .option('--quick', 'fewer and shorter rounds, and without what takes minutes', false)
  .option('--rounds <n>', 'rounds; in each, every contestant has its turn', whole(1, ROUNDS_MAX))
  .option('--sockets <n>', 'sockets in the room', whole(1, SOCKETS_MAX), QUICK.sockets)
  .option('--senders <n>', 'how many of the sockets send', whole(1, SENDERS_MAX), QUICK.senders)
  .option('--in-flight <n>', 'messages under way while measuring throughput', whole(1, IN_FLIGHT_MAX), QUICK.inFlight)
  .option('--edge-only', 'Millrace without NATS and consumers: the outbox only grows', false)
  .option('--awake', 'also a partyserver room that does not hibernate', false)
  .option('--only <names>', `only these, comma-separated: ${KNOWN_NAMES.join(', ')}`)
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
  const wanted = wantedNames(options);
  const verdicts: Verdict[] = [];
  const raw: Record<string, unknown> = {
    measuredAt: new Date().toISOString(),
    machine: machine(),
    peers: PEER_VERSIONS,
    options,
  };
  const names = chosenContestants(options, wanted);
  if (names.length > 0) keep('contest', contestOf(await runContest(names, planOf(options), options)));
  if (wanted === undefined ? !options.quick : wanted.includes(CROWD)) {
    const plan: ContestPlan = {
      ...planOf(options),
      phases: 'throughput',
      sockets: CROWD_SOCKETS,
      rounds: options.rounds ?? CROWD_ROUNDS,
    };
    keep(CROWD, contestOf(await runContest(CROWD_CONTESTANTS, plan, options)));
  }
  for (const measure of MEASURES) {
    if (isWanted(measure, options, wanted)) keep(measure.name, await measure.run(options));
  }
  if (verdicts.length > 0) console.log(`\n${targetTable(verdicts)}`);
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify({ ...raw, verdicts }, null, 2)}\n`);

  function keep(name: string, measured: Measured): void {
    raw[name] = measured.raw;
    verdicts.push(...measured.verdicts);
  }
}

function contestOf({ plan, results, verdicts }: Contest): Measured {
  return { raw: { plan, figures: figures(results), results }, verdicts };
}

function planOf(options: Options): ContestPlan {
  const base = options.quick ? QUICK : LONG;
  const { sockets, inFlight } = options;
  // rounds that were asked for take as long as they take
  const rounds = options.rounds === undefined ? {} : { rounds: options.rounds, totalMsMax: Number.MAX_SAFE_INTEGER };
  return { ...base, sockets, senders: Math.min(options.senders, sockets), inFlight, ...rounds };
}

function machine(): object {
  return { cpu: cpus()[0]?.model, cores: availableParallelism(), memoryBytes: totalmem(), node: process.versions.node };
}

function wantedNames({ only }: Options): string[] | undefined {
  if (only === undefined) return undefined;
  const wanted = only.split(',').map((name) => name.trim().toLowerCase());
  const unknown = wanted.find((each) => !KNOWN_NAMES.some((name) => name.toLowerCase() === each));
  if (unknown !== undefined) throw new Error(`there is no "${unknown}" to measure: ${KNOWN_NAMES.join(', ')}`);
  return wanted;
}

function chosenContestants(options: Options, wanted: readonly string[] | undefined): ContestantName[] {
  if (wanted !== undefined) return CONTESTANT_NAMES.filter((name) => wanted.includes(name.toLowerCase()));
  return CONTESTANT_NAMES.filter(
    (name) => (options.awake || name !== 'partyserver awake') && !(options.quick && NOT_IN_QUICK.includes(name)),
  );
}

function isWanted({ name, runs }: Measure, options: Options, wanted: readonly string[] | undefined): boolean {
  if (wanted !== undefined) return wanted.includes(name);
  return runs === 'quick' || (runs === 'long' && !options.quick);
}

main().catch((error: unknown) => {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
