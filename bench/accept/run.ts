import { ensurePeers } from '../peers.ts';
import { runGenerator, settle, startServer, type RunningServer } from '../processes.ts';
import { median } from '../stats.ts';
import { atMost, type Verdict } from '../targets.ts';
import { spreadOf, textTable } from '../text-table.ts';
import { startCluster } from './cluster.ts';
import type { CommandJob, CommandResult } from './job.ts';

/** issue 10 */
const OF_SYNCHRONOUS_MAX = 0.5;
const WITHOUT_CASSANDRA_MAX = 1.1;
/** added in each direction between a server and NATS or Cassandra: 2 ms there and back */
const DELAY_MS = 1;
const QUICK_ROUNDS = 5;
const LONG_ROUNDS = 9;

/** Who is measured, and how it is started. */
interface Path {
  name: string;
  creates: boolean;
  server: RunningServer;
  results: CommandResult[];
}

/** What an answer takes: Millrace beside the path that waits for Cassandra, near and with a network between, and without Cassandra. */
export async function runAccept(options: { quick: boolean; rounds?: number }): Promise<{ raw: unknown; verdicts: Verdict[] }> {
  const peers = await ensurePeers();
  console.log('\naccept: starting three nodes of Cassandra, which takes a minute or more …');
  const cluster = await startCluster(DELAY_MS);
  const paths: Path[] = [];
  const start = async (name: string, creates: boolean, script: string, args: string[]): Promise<Path> => {
    const path = { name, creates, server: await startServer(script, args), results: [] };
    paths.push(path);
    return path;
  };
  try {
    const { contactPoints, farContactPoints } = cluster;
    const nearSync = await start('synchronous, loopback', false, 'servers/synchronous.ts', [peers.folder, contactPoints]);
    const farSync = await start('synchronous', false, 'servers/synchronous.ts', [peers.folder, farContactPoints]);
    const nearMillrace = await start('Millrace, loopback', true, 'servers/millrace.ts', [`--cassandra=${contactPoints}`]);
    const far = [`--cassandra=${farContactPoints}`, `--nats-delay-ms=${DELAY_MS}`];
    const farMillrace = await start('Millrace', true, 'servers/millrace.ts', far);
    await byTurns([nearSync, nearMillrace, farSync, farMillrace], 'up', options);
    await cluster.stopNodes();
    const stopped = { ...farMillrace, name: 'Millrace, Cassandra stopped', results: [] as CommandResult[] };
    await byTurns([stopped], 'stopped', options);
    const all = [farMillrace, farSync, nearMillrace, nearSync, stopped];
    console.log(`\n${acceptTable(all)}`);
    const ratio = (a: Path, b: Path): number => median(a.results.map(p50)) / median(b.results.map(p50));
    return {
      raw: all.map(({ name, results }) => ({ name, results })),
      verdicts: [
        ...atMost(
          'accept p50, 2 ms to NATS and Cassandra',
          ratio(farMillrace, farSync),
          OF_SYNCHRONOUS_MAX,
          '× the synchronous path',
        ),
        ...atMost('accept p50 with Cassandra stopped', ratio(stopped, farMillrace), WITHOUT_CASSANDRA_MAX, '× its own before'),
      ],
    };
  } finally {
    for (const each of paths) await each.server.stop();
    await cluster.stop();
  }
}

async function byTurns(paths: readonly Path[], phase: string, options: { quick: boolean; rounds?: number }): Promise<void> {
  const rounds = options.rounds ?? (options.quick ? QUICK_ROUNDS : LONG_ROUNDS);
  const measureMs = options.quick ? 1_500 : 4_000;
  for (let round = 0; round < rounds; round += 1) {
    for (const { server, creates, results } of paths) {
      const { url, jwtSecret = '', pids } = server.announcement;
      const prefix = `accept-${phase}-${round}`;
      const job: CommandJob = { url, jwtSecret, prefix, creates, sessions: 1, inFlight: 1, warmupMs: measureMs / 2, measureMs };
      results.push(await runGenerator<CommandResult>('accept/generator.ts', job));
      await settle(pids.all);
    }
  }
}

function p50({ answer }: CommandResult): number {
  return answer.p50;
}

function acceptTable(paths: readonly Path[]): string {
  const rows = paths.map(({ name, results }) => [
    name,
    spreadOf(results.map(p50), 2),
    spreadOf(
      results.map(({ answer }) => answer.p99),
      2,
    ),
    spreadOf(
      results.map(({ acceptedPerS }) => acceptedPerS),
      0,
    ),
  ]);
  return `${textTable([['one message at a time over HTTP', 'p50 ms', 'p99 ms', 'messages/s'], ...rows])}

Medians of the rounds, the least and the most in parentheses, by turns. Three nodes of Cassandra on this machine, three copies, QUORUM,
commitlog_sync group; ${DELAY_MS} ms is added in each direction to NATS and to Cassandra, but for "loopback". The synchronous path
checks the token, inserts one row, answers and emits.`;
}
