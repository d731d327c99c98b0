import { parseArgs } from 'node:util';
import cliProgress from 'cli-progress';
import { servePulse } from './pulse/pulse.ts';
import type { ProcessReport } from './pulse/report.ts';
import { READ_MODELS } from './read-models.ts';
import { FeedStopped } from './runtime/archive-feed.ts';
import { within } from './runtime/backoff.ts';
import { connectForever } from './runtime/connection.ts';
import { describe, type Log } from './runtime/log.ts';
import { RebuildRefused, type RebuildProgress } from './runtime/rebuild.ts';
import { SettingError } from './runtime/settings.ts';
import { platformOf } from './runtime/start-read-model.ts';
import { rebuildReadModel } from './runtime/start-rebuild.ts';
import { SYSTEM_TIME } from './runtime/time.ts';
import { nameOfWorker } from './runtime/worker-name.ts';
import { settingsFrom } from './settings.ts';

/**
 * `npm run rebuild -- NAME`: a read model anew from the archive and the stream, while the one that is there serves on. Exit code
 * 0: it serves; 1: it was given up or failed, and the old one serves; 2: it could not begin.
 */

const CLOSE_MS_MAX = 2_000;
const LINE_EVERY_MS = 5_000;

function say(line: string): void {
  process.stderr.write(`rebuild: ${line}\n`);
}

/** What is worth a line of a person's attention. */
const log: Log = (level, msg, fields) => {
  if (level !== 'info') say([msg, ...Object.entries(fields ?? {}).map(([name, value]) => `${name}=${String(value)}`)].join(' '));
};

/** A bar on a terminal; else a line when a phase begins, and every few seconds. */
class Shown {
  readonly #bar = process.stderr.isTTY
    ? new cliProgress.SingleBar(
        { format: '{phase} {bar} {percentage} %  {events} events, {rate}/s', hideCursor: true },
        cliProgress.Presets.shades_classic,
      )
    : undefined;
  readonly #beganMs = Date.now();
  #phase = '';
  #saidMs = 0;
  #events = 0;
  #rate = 0;

  constructor() {
    this.#bar?.start(1, 0, { phase: 'archive', events: 0, rate: 0 });
  }

  show({ phase, done, events }: RebuildProgress): void {
    // as it was when the last event was given: the swap takes its time whatever there is
    if (events > this.#events) this.#rate = Math.round(events / Math.max(0.001, (Date.now() - this.#beganMs) / 1_000));
    this.#events = events;
    const rate = this.#rate;
    this.#bar?.update(done, { phase: phase.padEnd(7), events, rate });
    if (this.#bar !== undefined || (phase === this.#phase && Date.now() - this.#saidMs < LINE_EVERY_MS)) return;
    this.#phase = phase;
    this.#saidMs = Date.now();
    say(`${phase} ${Math.round(done * 100)} %, ${events} events, ${rate}/s`);
  }

  end(): void {
    this.#bar?.stop();
  }
}

/** Operators see it among the others while it runs. */
function rebuildTold(name: string): { take(progress: RebuildProgress): void; report(): ProcessReport } {
  const worker = nameOfWorker(SYSTEM_TIME);
  const startedAt = new Date().toISOString();
  let last: Pick<RebuildProgress, 'done' | 'events'> & { phase: 'starting' | RebuildProgress['phase'] } = {
    phase: 'starting',
    done: 0,
    events: 0,
  };
  return {
    take: (progress) => void (last = progress),
    report: () => ({ v: 1, worker, roles: [], rebuilds: [{ name, status: 'running', startedAt, ...last }] }),
  };
}

async function main(): Promise<number> {
  const { positionals } = parseArgs({ allowPositionals: true });
  const [name, ...more] = positionals;
  const model = READ_MODELS.find((each) => each.name === name);
  if (model === undefined || more.length > 0) {
    throw new SettingError(`name one read model: ${READ_MODELS.map((each) => each.name).join(', ')}`);
  }
  const settings = settingsFrom(process.env);
  const ending = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => ending.abort());
  const connection = await connectForever(settings, log, ending.signal);
  if (connection === undefined) return 1;
  const shown = new Shown();
  const told = rebuildTold(model.name);
  const silence = servePulse(connection, () => told.report(), log);
  try {
    const platform = await platformOf(connection, settings, log);
    const report = (progress: RebuildProgress): void => {
      told.take(progress);
      shown.show(progress);
    };
    const run = { report, signal: ending.signal };
    const events = await rebuildReadModel(model, platform, run);
    shown.end();
    say(`${model.name} serves anew, from ${events} events and what came since`);
    return 0;
  } catch (error) {
    shown.end();
    if (error instanceof FeedStopped) say('given up: everything is as it was');
    else say(error instanceof RebuildRefused ? error.message : describe(error));
    return 1;
  } finally {
    silence();
    await within(CLOSE_MS_MAX, 'closing', connection.drain()).catch(() => undefined);
  }
}

// not exitCode: a call to an edge that does not answer would hold the process
process.exit(
  await main().catch((error: unknown) => {
    say(error instanceof SettingError ? error.message : describe(error));
    return 2;
  }),
);
