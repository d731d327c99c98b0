import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { Presets, SingleBar } from 'cli-progress';
import { startContestants, type Contestant, type ContestantName } from './contestants.ts';
import type { Job } from './load/job.ts';
import { TEXT_BYTES } from './load/messages.ts';
import { ensurePeers, PEER_VERSIONS } from './peers.ts';
import { runJob, settle } from './processes.ts';
import { FANOUT_RATES, figureOf, figures, table, type ContestantResults } from './report.ts';
import { atLeast, atMost, type Verdict } from './targets.ts';

export type ContestPlan = Pick<
  Job,
  'sockets' | 'senders' | 'inFlight' | 'acceptSamples' | 'acceptMsMax' | 'warmupMs' | 'throughputMs' | 'fanouts' | 'phases'
> & {
  rounds: number;
  /** no further round begins that would end later than this: on a busy machine there are fewer rounds */
  totalMsMax: number;
};

export interface Contest {
  plan: ContestPlan;
  results: ContestantResults[];
  verdicts: Verdict[];
}

/** what other processes may use of the machine before the report warns of it */
const OTHER_CORES_MAX = 0.2;
/** a generator that is this busy is what was measured */
const GENERATOR_CORES_MAX = 0.9;
/** issue 10: durable first, and yet so many times what these deliver */
const DELIVERIES_OF_SOCKET_IO = 3;
const DELIVERIES_OF_LOGGED_PARTY = 6;
const FANOUT_100_P99_MS_MAX = 100;

/** Millrace and its peers by turns, and the table. */
export async function runContest(
  names: readonly ContestantName[],
  plan: ContestPlan,
  options: { edgeOnly: boolean },
): Promise<Contest> {
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
    return { plan, results, verdicts: verdictsOf(results, plan) };
  } finally {
    await Promise.all([...new Set(contestants.map((each) => each.server))].map((server) => server.stop()));
  }
}

/** Each contestant in its turn, round after round, so that whatever drifts on the machine drifts for all. */
async function runRounds(
  contestants: readonly Contestant[],
  plan: ContestPlan,
): Promise<{ results: ContestantResults[]; busy: string[] }> {
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
        const job: Job = {
          ...plan,
          ...each.speaks,
          ...secret,
          url,
          pids,
          roomPrefix: `bench-${process.pid}-${plan.sockets}-${round}`,
        };
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

function verdictsOf(results: readonly ContestantResults[], plan: ContestPlan): Verdict[] {
  const ours = (key: string): number | undefined => figureOf(results, 'Millrace', key);
  const times = (name: ContestantName, key: string): number | undefined => {
    const [mine, theirs] = [ours(key), figureOf(results, name, key)];
    return mine === undefined || theirs === undefined ? undefined : mine / theirs;
  };
  // the targets are of 200 sockets: more of them are a measure without one
  if (plan.phases !== 'all') return [];
  return [
    ...atLeast('deliveries/s to 200 sockets', times('Socket.IO', 'deliveriesPerS'), DELIVERIES_OF_SOCKET_IO, '× Socket.IO'),
    ...atLeast(
      'deliveries/s to 200 sockets',
      times('partyserver + SQLite', 'deliveriesPerS'),
      DELIVERIES_OF_LOGGED_PARTY,
      '× partyserver with a log',
    ),
    ...atMost('p99 to each socket at 20 messages/s', times('Socket.IO', 'fanout20.p99'), 1, '× Socket.IO'),
    ...atMost('p99 to each socket at 100 messages/s', ours('fanout100.p99'), FANOUT_100_P99_MS_MAX, 'ms'),
  ];
}

function print(results: readonly ContestantResults[], plan: ContestPlan, busy: readonly string[]): void {
  const peers = Object.entries(PEER_VERSIONS).map(([name, version]) => `${name} ${version}`);
  console.log(`\n${table(results)}\n`);
  const rounds = results[0]?.rounds.length ?? 0;
  console.log(`Medians of ${rounds} of ${plan.rounds} rounds, contestants in turn, the least and the most in parentheses; × is the multiple of the first
column. ${peers.join(', ')}. ${plan.sockets} sockets in one room, ${plan.senders} of them send; the text is ${TEXT_BYTES} bytes.
Accept: one message at a time, the next once this one reached every socket. To each socket: ${FANOUT_RATES.join(' and ')} messages/s, from the
send to each socket's receipt. Deliveries/s: ${plan.inFlight} messages under way.
Every contestant is spoken to by the same bare WebSocket client in a process of its own, which scans frames for its messages and
parses none, and every socket was proved to have got every message once, all in the same order.
Millrace accepts once the message is on disk at the edge, with NATS and its consumers running; its LIMIT_* variables are raised for this run.
Socket.IO and the plain partyserver room store nothing; the SQLite room stores one row per message before it accepts.

This is a local figure, not a production figure: workerd here has no CPU or memory limits, no replication and no network between its
parts, and everything shares ${availableParallelism()} cores. Compare columns of one run, not runs of different machines.`);
  const most = (key: string): number =>
    Math.max(0, ...(figures(results).find((each) => each.key === key)?.values ?? []).map((value) => value ?? 0));
  const limited = results.filter(({ name }) => (figureOf(results, name, 'clientCores') ?? 0) > GENERATOR_CORES_MAX);
  if (limited.length > 0)
    console.log(
      `The load generator was the limit for ${limited.map(({ name }) => name).join(', ')}: what is measured there is a floor.`,
    );
  if (most('otherCores') > OTHER_CORES_MAX) {
    console.log(
      `Other processes kept up to ${most('otherCores').toFixed(2)} cores busy meanwhile: latencies and rates suffered, CPU per delivery least.`,
    );
  }
  if (busy.length > 0)
    console.log(`Still busy 30 s after its turn, so that the next one's figures suffered: ${[...new Set(busy)].join(', ')}.`);
}

/** The one of wrangler.toml, so that the peers' workerd behaves as Millrace's does. */
export async function compatibilityDate(): Promise<string> {
  const configuration = await readFile(new URL('../wrangler.toml', import.meta.url), 'utf8');
  const found = /^compatibility_date = "([\d-]+)"/m.exec(configuration)?.[1];
  if (found === undefined) throw new Error('wrangler.toml has no compatibility_date');
  return found;
}
