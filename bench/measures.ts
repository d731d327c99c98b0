import { runAccept } from './accept/run.ts';
import { runCommands } from './accept/commands.ts';
import { runLag } from './pipeline/lag.ts';
import { runPublish } from './pipeline/publish.ts';
import { runChunks } from './readers/chunks.ts';
import { runMemory } from './readers/memory.ts';
import { runResume } from './readers/resume.ts';
import { runCost } from './cost/run.ts';
import { runImport } from './import/run.ts';
import { isTargetName, TARGET_NAMES } from './import/targets.ts';
import { atLeast, atMost, type Verdict } from './targets.ts';
import { RATIO_MIN } from './import/targets.ts';
import { COMPARISONS, RATIO_MAX, type SizeResults } from './size/measure.ts';
import { runCrowds } from './size/crowds.ts';
import { runSize } from './size/run.ts';
import { runTelemetry } from './telemetry/run.ts';

export interface MeasureOptions {
  quick: boolean;
  rounds?: number;
  with?: string;
  /** of the import */
  targets: string;
  /** in the large session of size, or in the stream of the import */
  events: number;
}

/** What one measure gave: figures for the JSON, and what they say of the targets. */
export interface Measured {
  raw: unknown;
  verdicts: Verdict[];
}

export interface Measure {
  name: string;
  /** `quick`: in every run; `long`: in one without --quick; `asked`: only by --only */
  runs: 'quick' | 'long' | 'asked';
  run(options: MeasureOptions): Promise<Measured>;
}

const SIZE_SMALL_EVENTS = 1_000;
const SIZE_SAMPLES = 300;
const IMPORT_PROBE_EVENTS = 50_000;

/** Each has the machine to itself, one after the other, and prints its own table. */
export const MEASURES: readonly Measure[] = [
  { name: 'commands', runs: 'quick', run: runCommands },
  { name: 'publish', runs: 'quick', run: runPublish },
  { name: 'lag', runs: 'quick', run: runLag },
  { name: 'resume', runs: 'quick', run: runResume },
  { name: 'chunks', runs: 'quick', run: runChunks },
  { name: 'memory', runs: 'quick', run: runMemory },
  { name: 'crowds', runs: 'long', run: runCrowds },
  // three nodes of Cassandra
  { name: 'accept', runs: 'long', run: runAccept },
  // it takes minutes: events stay at the edge for one before they leave it
  { name: 'size', runs: 'long', run: measureSizes },
  // it starts three databases and takes many minutes
  { name: 'import', runs: 'asked', run: measureImport },
  // two systems beside each other, in pairs
  { name: 'telemetry', runs: 'asked', run: runTelemetry },
  // what is counted does not vary
  { name: 'cost', runs: 'asked', run: async () => ({ raw: await runCost(), verdicts: [] }) },
];

/** One store after the other. */
async function measureSizes(options: MeasureOptions): Promise<Measured> {
  const plan = { smallEvents: SIZE_SMALL_EVENTS, largeEvents: options.events, samples: SIZE_SAMPLES };
  const results: SizeResults[] = [await runSize('embedded', plan)];
  if (options.with === 'cassandra') results.push(await runSize('Cassandra', plan));
  const large = plan.largeEvents.toLocaleString('en-US');
  const verdicts = results.flatMap(({ store, comparisons }) =>
    comparisons
      // the page as it comes is of two different tiers
      .filter(({ name }) => name !== 'pageAsItComes')
      .flatMap(({ name, ratio }) =>
        atMost(`${COMPARISONS[name]}, ${store}`, ratio, RATIO_MAX, `× of ${large} events against 1,000`),
      ),
  );
  return { raw: results, verdicts };
}

async function measureImport({ events, targets: given }: MeasureOptions): Promise<Measured> {
  const targets = given.split(',').map((name) => name.trim().toLowerCase());
  const unknown = targets.find((name) => !isTargetName(name));
  if (unknown !== undefined) throw new Error(`--targets knows ${TARGET_NAMES.join(', ')}, not "${unknown}"`);
  const plan = { events, targets: targets.filter(isTargetName), probeEvents: IMPORT_PROBE_EVENTS, profiles: true };
  const results = await runImport(plan);
  const verdicts = results.results.flatMap(({ target, ratio }) =>
    atLeast(`events/s into ${target}`, ratio, RATIO_MIN, '× its driver'),
  );
  return { raw: results, verdicts };
}
