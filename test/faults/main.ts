// `npm run faults`: breaks a real system under load, by a seeded plan, and judges what everybody was told.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { edgeKill } from './edge-kill.ts';
import { isClean } from './judge.ts';
import { type Kind, KINDS } from './plan.ts';
import { natsLeader } from './nats-leader.ts';
import { edgeKillLines, natsLeaderLines, storeStopLines, stormLines } from './report.ts';
import { CalledOff } from './settle.ts';
import { storeStop } from './store-stop.ts';
import { type Scene, SCENES } from './scenes.ts';
import { storm } from './storm.ts';
import { positive } from '../../scripts/replay/command-line.ts';

const program = new Command('faults')
  .description('Breaks a real system under load, by a seeded plan, mends it, and checks what every client was told.')
  .option('--kills <n>', 'kills and cuts; a third as many pauses and outages come with them', whole, 200)
  .option('--commands <n>', 'commands answered while it goes on', whole, 50_000)
  .option('--minutes <n>', 'for the faults', positive, 18)
  .option('--seed <n>', 'of plan and load; the same seed is the same plan', whole, Date.now() % 1_000_000)
  .option('--sessions <n>', 'sessions with three users each', whole, 24)
  .option('--with <stores>', 'cassandra: the history is kept there')
  .addOption(new Option('--only <kind...>', 'only these faults, or one scene').choices([...KINDS, ...SCENES]));

interface Options {
  kills: number;
  commands: number;
  minutes: number;
  seed: number;
  sessions: number;
  with?: string;
  only?: (Kind | Scene)[];
}

const USERS_EACH = 3;
const LARGE_EACH = 3;

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function main(): Promise<number> {
  const options = program.parse().opts<Options>();
  const ledgerPath = join(mkdtempSync(join(tmpdir(), 'millrace-ledger-')), 'ledger.ndjson');
  const ending = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'disconnect'] as const) process.on(name, () => ending.abort());
  const { lines, ok } = await run(options, { seed: options.seed, ledgerPath, say, calledOff: ending.signal });
  for (const line of lines) say(line);
  say(`seed ${options.seed}, ledger ${ledgerPath}`);
  return ok ? 0 : 1;
}

interface Common {
  seed: number;
  ledgerPath: string;
  say: (line: string) => void;
  calledOff: AbortSignal;
}

async function run(options: Options, common: Common): Promise<{ lines: string[]; ok: boolean }> {
  const only: readonly (Kind | Scene)[] = options.only ?? KINDS;
  const scene = SCENES.find((each) => only.includes(each));
  if (scene !== undefined && only.length > 1) program.error(`--only ${scene} stands alone`);
  switch (scene) {
    case 'edge-kill': {
      const report = await edgeKill({ ...common, kills: options.kills });
      return { lines: edgeKillLines(report), ok: report.missing.length === 0 && isClean(report.verdict) };
    }
    case 'store-stop': {
      const report = await storeStop({ ...common, stoppedMs: options.minutes * 60_000 });
      return { lines: storeStopLines(report), ok: isClean(report.verdict) };
    }
    case 'nats-leader': {
      const report = await natsLeader({ ...common, kills: options.kills });
      return { lines: natsLeaderLines(report), ok: isClean(report.verdict) };
    }
    case undefined: {
      const report = await storm({
        ...common,
        ...options,
        spanMs: options.minutes * 60_000,
        kinds: KINDS.filter((kind) => only.includes(kind)),
        largeEach: LARGE_EACH,
        usersEach: USERS_EACH,
        withCassandra: options.with === 'cassandra',
      });
      return { lines: stormLines(report), ok: isClean(report.verdict) };
    }
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function whole(value: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 0) throw new InvalidArgumentError('It must be a whole number.');
  return number;
}

process.exit(
  await main().catch((error: unknown) => {
    process.stderr.write(`faults: ${error instanceof CalledOff ? error.message : describe(error)}\n`);
    return 2;
  }),
);
