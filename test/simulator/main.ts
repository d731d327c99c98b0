import { availableParallelism } from 'node:os';
import { Command, InvalidArgumentError } from 'commander';
import { FAULT_KINDS, type FaultKind } from './faults.ts';
import { runPlanted } from './planted.ts';
import { runSeeds } from './pool.ts';
import { COMMANDS_MIN, FAULTS_MIN, simulate, type Options } from './run.ts';
import { Summary } from './summary.ts';

const SEEDS_DEFAULT = 100;
const QUICK_SEEDS = 20;
const QUICK_COMMANDS = 150;

interface Arguments {
  seeds?: number;
  seed?: number;
  quick?: boolean;
  trace?: boolean;
  planted?: boolean;
  first?: boolean;
  off: FaultKind[];
  jobs: number;
}

/** `npm run simulate`: runs seeds, or the planted bugs; exit code 1 when a promise was seen broken, or a bug was not. */
async function main(): Promise<number> {
  const chosen = parse();
  if (chosen.planted === true) return (await runPlanted(chosen.jobs)) ? 0 : 1;
  const options: Options = { off: chosen.off, ...(chosen.quick === true ? { commands: QUICK_COMMANDS } : {}) };
  if (chosen.trace === true) return await trace(chosen.seed ?? 1, options);
  const from = chosen.seed ?? 1;
  const count = chosen.seeds ?? (chosen.seed === undefined ? (chosen.quick === true ? QUICK_SEEDS : SEEDS_DEFAULT) : 1);
  const summary = new Summary(replayFlags(chosen));
  const seeds = Array.from({ length: count }, (_, at) => from + at);
  process.stdout.write(`simulating seeds ${from} to ${from + count - 1} on ${chosen.jobs} threads\n`);
  await runSeeds(seeds, options, chosen.jobs, (told) => {
    summary.add(told);
    return chosen.first === true && summary.hasFailures ? 'stop' : 'go on';
  });
  const demanded =
    chosen.quick === true ? { commands: QUICK_COMMANDS, faults: 0 } : { commands: COMMANDS_MIN, faults: FAULTS_MIN };
  return summary.print(demanded, chosen.off) ? 0 : 1;
}

/** One seed, line by line as it happens. */
async function trace(seed: number, options: Options): Promise<number> {
  const report = await simulate(seed, { ...options, print: true });
  process.stdout.write(
    `seed ${seed}: ${report.broken?.message ?? 'no promise was broken'} (trace ${report.traceHash.slice(0, 16)})\n`,
  );
  return report.broken === undefined ? 0 : 1;
}

function replayFlags({ quick, off }: Arguments): string {
  return `${quick === true ? ' --quick' : ''}${off.length === 0 ? '' : ` --off ${off.join(',')}`}`;
}

function parse(): Arguments {
  return new Command('simulate')
    .description('The product on a simulated clock, network and disk, with everything going wrong; see docs/simulator.md')
    .option('--seeds <n>', `how many seeds (default ${SEEDS_DEFAULT})`, wholeNumber)
    .option('--seed <s>', 'the first seed; alone: this one', wholeNumber)
    .option('--quick', `${QUICK_COMMANDS} commands instead of ${COMMANDS_MIN}, and fewer seeds`)
    .option('--first', 'ends with the first seed that fails')
    .option('--trace', 'one seed, line by line')
    .option('--planted', 'the planted bugs of test/planted instead: each must be caught')
    .option('--off <kinds>', 'without these faults, comma-separated', faultKinds, [] as FaultKind[])
    .option('--jobs <n>', 'threads', wholeNumber, availableParallelism())
    .parse()
    .opts<Arguments>();
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('a whole number of at least 1');
  return value;
}

function faultKinds(text: string): FaultKind[] {
  return text.split(',').map((name) => {
    const kind = FAULT_KINDS.find((each) => each === name);
    if (kind === undefined) throw new InvalidArgumentError(`${name} is none of ${FAULT_KINDS.join(', ')}`);
    return kind;
  });
}

process.exitCode = await main();
