import { runGenerator, runJob, settle, startServer, type RunningServer } from '../processes.ts';
import { treesCpuMs } from '../cpu.ts';
import type { CommandJob, CommandResult } from '../accept/job.ts';
import { median } from '../stats.ts';
import { atLeast, atMost, type Verdict } from '../targets.ts';
import { spreadOf, textTable } from '../text-table.ts';
import { startCollector, type Collector } from './collector.ts';
import { shareOf, type Shares } from './side-by-side.ts';

/** issue 8: traces of one in a hundred commands, and figures that somebody asks for, leave at least so much of the throughput */
export const WITH_TELEMETRY_MIN = 0.95;
const RATIO = 0.01;
/** a pair each, the order turned from one to the next */
const QUICK_ROUNDS = 6;
const LONG_ROUNDS = 12;
const SESSIONS = 20;
const IN_FLIGHT = 64;
const SOCKETS = 20;
const SOCKETS_IN_FLIGHT = 256;
/** to each side at the same time, well below what either can take */
const SAME_RATE_PER_S = 40;
const SAME_RATE_ROUND_MS = 4_000;

const LOADS = ['commands over HTTP', 'messages over sockets'] as const;
type Load = (typeof LOADS)[number];

interface Sample {
  perS: number;
  /** of all of Millrace's processes, until all was stored: what another user of the machine spoils least */
  cpuMsPerMessage: number;
}

export interface TelemetryFigures {
  load: Load;
  /** by rounds */
  off: Sample[];
  on: Sample[];
  posts: number;
  bytes: number;
}

/** Millrace with traces at 1 % and its figures asked for every 5 s, beside one that traces nothing and counts nothing: in pairs, in one run. */
export async function runTelemetry(options: {
  quick: boolean;
  rounds?: number;
}): Promise<{ raw: { figures: TelemetryFigures[]; shares: Shares[] }; verdicts: Verdict[] }> {
  console.log('\ntelemetry: starting Millrace twice, with traces and without …');
  const collector = await startCollector();
  const servers: RunningServer[] = [];
  try {
    const off = await startServer('servers/millrace.ts', ['--uncounted']);
    servers.push(off);
    const on = await startServer('servers/millrace.ts', [`--traces-to=${collector.url}`, `--traces-ratio=${RATIO}`, '--scraped']);
    servers.push(on);
    const rounds = options.rounds ?? (options.quick ? QUICK_ROUNDS : LONG_ROUNDS);
    const figures: TelemetryFigures[] = [];
    for (const load of LOADS) figures.push(await pairsOf(load, { off, on, collector }, rounds, options.quick ? 3_000 : 6_000));
    const shares = await shareOf([off, on], { perS: SAME_RATE_PER_S, roundMs: SAME_RATE_ROUND_MS, rounds });
    console.log(`\n${tableOf(figures)}\n\n${sharesTable(shares)}`);
    const verdicts = figures.flatMap(({ load, ...pairs }) =>
      atLeast(
        `${load}, traces at 1 % and figures`,
        median(ratiosOf(pairs, 'perS')),
        WITH_TELEMETRY_MIN,
        '× without, median of pairs',
      ),
    );
    verdicts.push(
      ...atMost('CPU of a command at the same rate', median(ratiosOfShares(shares, 'all')), 1 / WITH_TELEMETRY_MIN, '× without'),
    );
    return { raw: { figures, shares }, verdicts };
  } finally {
    for (const each of servers) await each.stop();
    await collector.stop();
  }
}

interface Sides {
  off: RunningServer;
  on: RunningServer;
  collector: Collector;
}

async function pairsOf(load: Load, { off, on, collector }: Sides, rounds: number, measureMs: number): Promise<TelemetryFigures> {
  const before = collector.taken();
  const figures = { load, off: [] as Sample[], on: [] as Sample[] };
  // the first pair pays for what both sides compile
  for (let round = -1; round < rounds; round += 1) {
    const sides = round % 2 === 0 ? (['off', 'on'] as const) : (['on', 'off'] as const);
    for (const side of sides) {
      const sample = await sampleOf(load, side === 'on' ? on : off, `telemetry-${round}`, measureMs);
      if (round >= 0) figures[side].push(sample);
    }
  }
  const after = collector.taken();
  return { ...figures, posts: after.posts - before.posts, bytes: after.bytes - before.bytes };
}

async function sampleOf(load: Load, server: RunningServer, prefix: string, measureMs: number): Promise<Sample> {
  const { url, jwtSecret = '', pids } = server.announcement;
  const warmupMs = measureMs / 3;
  const rate = async (): Promise<number> => {
    if (load === 'commands over HTTP') {
      const job: CommandJob = {
        url,
        jwtSecret,
        prefix,
        sessions: SESSIONS,
        inFlight: IN_FLIGHT,
        creates: true,
        warmupMs,
        measureMs,
      };
      return (await runGenerator<CommandResult>('accept/generator.ts', job)).acceptedPerS;
    }
    const common = { contestant: 'millrace', phases: 'throughput', acceptSamples: 0, acceptMsMax: 0, fanouts: [] } as const;
    const room = { roomPrefix: prefix, sockets: SOCKETS, senders: SOCKETS, inFlight: SOCKETS_IN_FLIGHT };
    const job = { ...common, ...room, fanouts: [], url, jwtSecret, pids, warmupMs, throughputMs: measureMs };
    return (await runJob(job, () => undefined)).throughput.messagesPerS;
  };
  const [before] = treesCpuMs([pids.all]);
  const perS = await rate();
  // what it still has to store must not burden the other side
  await settle(pids.all);
  const [after] = treesCpuMs([pids.all]);
  return { perS, cpuMsPerMessage: (after - before) / ((perS * (warmupMs + measureMs)) / 1_000) };
}

/** Each pair is one moment of the machine: the median of their ratios, not the ratio of medians. */
function ratiosOf({ off, on }: Pick<TelemetryFigures, 'off' | 'on'>, what: keyof Sample): number[] {
  return on.map((each, round) => each[what] / (off[round]?.[what] ?? Number.NaN));
}

function tableOf(figures: readonly TelemetryFigures[]): string {
  const head = ['telemetry', 'without/s', 'with/s', 'of each pair', 'CPU of each pair', 'posts of spans', 'MB'];
  const perS = (samples: readonly Sample[]): string =>
    spreadOf(
      samples.map((each) => each.perS),
      0,
    );
  const rows = figures.map(({ load, off, on, posts, bytes }) => [
    load,
    perS(off),
    perS(on),
    `×${spreadOf(ratiosOf({ off, on }, 'perS'), 3)}`,
    `×${spreadOf(ratiosOf({ off, on }, 'cpuMsPerMessage'), 3)}`,
    String(posts),
    (bytes / 1e6).toFixed(2),
  ]);
  return `${textTable([head, ...rows])}

Medians, the least and the most in parentheses. With: OTEL_TRACES_SAMPLER=parentbased_traceidratio at ${RATIO}, spans posted to a
collector that reads none of them, and /metrics asked for every 5 s. Without: EDGE_METRICS=off. HTTP: ${SESSIONS} sessions, ${IN_FLIGHT} commands in flight. Sockets: one
room of ${SOCKETS}, each sending, ${SOCKETS_IN_FLIGHT} messages in flight. CPU: of all processes for each message, until it was stored. NATS, consumers and load on the same cores.`;
}

function ratiosOfShares([off, on]: readonly Shares[], what: keyof Shares): number[] {
  return (on?.[what] ?? []).map((each, round) => each / (off?.[what][round] ?? Number.NaN));
}

function sharesTable(shares: readonly Shares[]): string {
  const head = ['at the same rate, side by side', 'without, ms', 'with, ms', 'of each round'];
  const rows = (['all', 'edge'] as const).map((what) => [
    `CPU of a command, ${what === 'all' ? 'all processes' : 'the edge'}`,
    ...shares.map((each) => spreadOf(each[what], 2)),
    `×${spreadOf(ratiosOfShares(shares, what), 3)}`,
  ]);
  return `${textTable([head, ...rows])}

${SAME_RATE_PER_S} commands a second to each of the two at the same time: what else the machine does is there for both, so this is the steadier figure
on a busy one.`;
}
