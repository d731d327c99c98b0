import { setTimeout as sleep } from 'node:timers/promises';
import { READ_MODELS } from '../../consumers/read-models.ts';
import { Breaker } from './breaker.ts';
import type { Verdict } from './judge.ts';
import { Ledger } from './ledger.ts';
import { Load } from './load.ts';
import { isSudden, type Kind, KINDS, LINKS, nameOf, planOf, type Planned, PROCESSES } from './plan.ts';
import { judged, seconds, settle, SETTLE_MS_MAX, type Settled, unlessCalledOff, untilReady } from './settle.ts';
import { type BreakableSystem, startSystem } from './system.ts';

export interface StormOptions {
  seed: number;
  /** kills and cuts; a third as many pauses and outages come with them */
  kills: number;
  /** answered 202; the load goes on until there are as many, and until all faults are over */
  commands: number;
  /** for the faults */
  spanMs: number;
  kinds: readonly Kind[];
  /** of each fault of the whole stream */
  largeEach: number;
  sessions: number;
  usersEach: number;
  withCassandra: boolean;
  /** where the ledger is written */
  ledgerPath: string;
  say: (line: string) => void;
  calledOff: AbortSignal;
}

export interface StormReport extends Settled {
  verdict: Verdict;
  /** kills and cuts that were done */
  sudden: number;
  /** how often each fault was done */
  faults: Record<string, number>;
  /** kinds that could not be tried here, with the reason */
  skipped: Record<string, string>;
  ledgerLines: number;
  tookS: number;
}

/** of JetStream's own disk, where it is to be filled: ten times what the events of a run take */
const NATS_DISK_BYTES_MIN = 96 * 1024 * 1024;
const NATS_DISK_BYTES_PER_COMMAND = 6_000;
/** lanes wait during outages: as many commands as asked for should all the same be answered while it is broken */
const RATE_HEADROOM = 1.7;
const PROGRESS_EVERY_MS = 10_000;
/** after the last fault, for the commands that are still to come */
const MORE_MS_MAX = 20 * 60_000;

/** Runs the whole system under load, breaks it by plan, mends it, and judges what everybody was told. */
export async function storm(options: StormOptions): Promise<StormReport> {
  const startedMs = Date.now();
  const { seed, say, ledgerPath } = options;
  const fills = options.kinds.includes('full-disk');
  const natsDiskBytes = Math.max(NATS_DISK_BYTES_MIN, options.commands * NATS_DISK_BYTES_PER_COMMAND);
  const system = await startSystem({ withCassandra: options.withCassandra, ...(fills ? { natsDiskBytes } : {}) });
  const ledger = new Ledger(ledgerPath);
  const load = new Load({
    url: system.url,
    tokenFor: async (user) => await system.stack.token(user),
    ledger,
    seed,
    sessions: options.sessions,
    usersEach: options.usersEach,
    rate: Math.ceil((options.commands / options.spanMs) * 1_000 * RATE_HEADROOM),
  });
  let breaking: Promise<void> | undefined;
  try {
    return await unlessCalledOff(options.calledOff, async () => {
      await untilReady(system.stack);
      await load.open();
      const { plan, skipped } = planFor(options, system);
      announce(plan, options);
      const breaker = new Breaker(system, ledger, say);
      breaking = underLoad(load, breaker, plan, options);
      await breaking;
      const settled = await settle(system.stack, load, ledger, say);
      await load.close();
      await ledger.close();
      const verdict = await judged(ledgerPath);
      return { verdict, ...settled, skipped, ...counted(breaker), ledgerLines: ledger.lines, tookS: seconds(startedMs) };
    });
  } finally {
    await load.close();
    // called off in the middle of a fault: it would start again what is stopped here
    await breaking?.catch(() => undefined);
    await system.stop();
  }
}

function announce(plan: readonly Planned[], { seed, spanMs, ledgerPath, say }: StormOptions): void {
  say(`seed ${seed}: ${plan.length} faults in ${Math.round(spanMs / 1_000)} s, ledger ${ledgerPath}`);
  for (const planned of plan) {
    const { atMs, forMs } = planned;
    say(`  ${(atMs / 1_000).toFixed(1)} s ${nameOf(planned)}${forMs > 0 ? ` for ${forMs} ms` : ''}`);
  }
}

function counted({ counts }: Breaker): Pick<StormReport, 'sudden' | 'faults'> {
  const sudden = [...counts].filter(([name]) => isSudden(kindOf(name))).reduce((sum, [, count]) => sum + count, 0);
  return { sudden, faults: Object.fromEntries([...counts].toSorted(([a], [b]) => a.localeCompare(b))) };
}

function planFor(options: StormOptions, system: BreakableSystem): { plan: Planned[]; skipped: Record<string, string> } {
  const skipped: Record<string, string> = {};
  if (options.kinds.includes('full-disk') && system.disk === undefined) skipped['full-disk'] = system.diskMissing ?? '';
  const { seed, kills, spanMs, largeEach } = options;
  const plan = planOf({
    seed,
    kills,
    spanMs,
    largeEach,
    kinds: options.kinds.filter((kind) => !(kind in skipped)),
    processes: PROCESSES.filter((name) => name !== 'cassandra' || options.withCassandra),
    links: LINKS.filter((name) => system.links.has(name)),
    durables: READ_MODELS.map(({ name }) => name),
  });
  return { plan, skipped };
}

async function underLoad(load: Load, breaker: Breaker, plan: readonly Planned[], options: StormOptions): Promise<void> {
  const { commands, say } = options;
  load.start();
  const progress = setInterval(() => say(`${load.answered} commands answered`), PROGRESS_EVERY_MS);
  try {
    await breaker.run(plan, options.calledOff);
    if (options.calledOff.aborted) return;
    const untilMs = Date.now() + MORE_MS_MAX;
    while (load.answered < commands && !options.calledOff.aborted) {
      if (Date.now() > untilMs) throw new Error(`only ${load.answered} of ${commands} commands were answered`);
      await sleep(100);
    }
    await load.end(SETTLE_MS_MAX);
  } finally {
    clearInterval(progress);
  }
}

function kindOf(name: string): Kind {
  const kind = KINDS.find((each) => name === each || name.startsWith(`${each} `));
  if (kind === undefined) throw new Error(`${name} is no fault`);
  return kind;
}
