import { runGenerator, settle, startServer, type RunningServer } from '../processes.ts';
import { median } from '../stats.ts';
import { atLeast, type Verdict } from '../targets.ts';
import type { CommandJob, CommandResult } from './job.ts';
import { spreadOf, textTable } from '../text-table.ts';

/** issue 10: of what an object takes that does nothing but insert the row */
export const COMMANDS_OF_BARE_MIN = 0.6;
const QUICK_ROUNDS = 5;
const LONG_ROUNDS = 9;
const LOADS = [
  { sessions: 1, inFlight: 1 },
  { sessions: 1, inFlight: 64 },
  { sessions: 100, inFlight: 1 },
  { sessions: 100, inFlight: 64 },
] as const;

export interface CommandFigures {
  load: (typeof LOADS)[number];
  millrace: CommandResult[];
  bare: CommandResult[];
}

/** Commands over HTTP: Millrace beside an object that only inserts the row, by turns. */
export async function runCommands(options: {
  quick: boolean;
  rounds?: number;
}): Promise<{ raw: CommandFigures[]; verdicts: Verdict[] }> {
  console.log('\ncommands: starting Millrace and a bare object …');
  const servers: RunningServer[] = [];
  try {
    const millrace = await startServer('servers/millrace.ts', []);
    servers.push(millrace);
    const bare = await startServer('servers/millrace.ts', ['--edge-only', '--bare']);
    servers.push(bare);
    const figures: CommandFigures[] = LOADS.map((load) => ({ load, millrace: [], bare: [] }));
    const rounds = options.rounds ?? (options.quick ? QUICK_ROUNDS : LONG_ROUNDS);
    const measureMs = options.quick ? 1_000 : 3_000;
    for (let round = 0; round < rounds; round += 1) {
      for (const each of figures) {
        const prefix = `commands-${round}-${each.load.sessions}-${each.load.inFlight}`;
        const load = { ...each.load, prefix, warmupMs: measureMs / 2, measureMs };
        each.bare.push(await commandsOf(bare, { ...load, creates: false }));
        each.millrace.push(await commandsOf(millrace, { ...load, creates: true }));
      }
    }
    console.log(`\n${commandTable(figures)}`);
    return { raw: figures, verdicts: verdictsOf(figures) };
  } finally {
    for (const each of servers) await each.stop();
  }
}

async function commandsOf(server: RunningServer, job: Omit<CommandJob, 'url' | 'jwtSecret'>): Promise<CommandResult> {
  const { url, jwtSecret = '', pids } = server.announcement;
  const whole: CommandJob = { ...job, url, jwtSecret };
  const result = await runGenerator<CommandResult>('accept/generator.ts', whole);
  await settle(pids.all);
  return result;
}

function verdictsOf(figures: readonly CommandFigures[]): Verdict[] {
  const many = figures.find(({ load }) => load.sessions === 100 && load.inFlight === 64);
  if (many === undefined) return [];
  const ratio = median(many.millrace.map(rate)) / median(many.bare.map(rate));
  return atLeast('commands/s over 100 sessions, 64 in flight', ratio, COMMANDS_OF_BARE_MIN, '× a bare object');
}

function rate({ acceptedPerS }: CommandResult): number {
  return acceptedPerS;
}

function commandTable(figures: readonly CommandFigures[]): string {
  const rows = figures.map(({ load, millrace, bare }) => [
    `${load.sessions} session${load.sessions === 1 ? '' : 's'}, ${load.inFlight} in flight`,
    spreadOf(millrace.map(rate), 0),
    spreadOf(bare.map(rate), 0),
    `×${(median(millrace.map(rate)) / median(bare.map(rate))).toFixed(2)}`,
    spreadOf(
      millrace.map(({ answer }) => answer.p50),
      2,
    ),
    spreadOf(
      bare.map(({ answer }) => answer.p50),
      2,
    ),
    spreadOf(
      millrace.map(({ answer }) => answer.p99),
      2,
    ),
    Math.max(...[...millrace, ...bare].map(({ clientCores }) => clientCores)).toFixed(2),
  ]);
  const head = ['commands over HTTP', 'Millrace/s', 'bare/s', '', 'p50 ms', 'bare p50 ms', 'p99 ms', 'generator, cores'];
  return `${textTable([head, ...rows])}

Medians, the least and the most in parentheses; a new session for each round. The bare object has the same route, the same check of
tokens and the same runner, and inserts one row; Millrace runs with NATS and its consumers on the same cores.`;
}
