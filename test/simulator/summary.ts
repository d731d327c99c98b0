import { FAULT_KINDS, type FaultCounts, type FaultKind } from './faults.ts';
import type { Report } from './run.ts';
import type { Told } from './seed-thread.ts';

/** of each kind of fault at least so many per seed, on the whole, in a run that is long enough to tell */
const FAULTS_PER_SEED_MIN = 0.5;
const LONG_RUN_SEEDS = 2_000;
const TAIL_LINES = 60;
const PROGRESS_EVERY_SEEDS = 100;

/** What many seeds came to. */
export class Summary {
  readonly #flags: string;
  readonly #startedAtMs = Date.now();
  readonly #reports: Report[] = [];
  readonly #failures: string[] = [];
  readonly #faults: FaultCounts = new Map();

  /** `flags`: what a replay of one seed needs besides its number */
  constructor(flags: string) {
    this.#flags = flags;
  }

  get hasFailures(): boolean {
    return this.#failures.length > 0;
  }

  add(told: Told): void {
    if ('fault' in told) return this.#failed(told.seed, `the simulator fell over: ${told.fault}`, []);
    const { report } = told;
    this.#reports.push(report);
    for (const [kind, count] of report.faults) this.#faults.set(kind, (this.#faults.get(kind) ?? 0) + count);
    if (report.broken !== undefined) this.#failed(report.seed, report.broken.message, report.tail);
    const done = this.#reports.length;
    if (done % PROGRESS_EVERY_SEEDS === 0) process.stdout.write(`${done} seeds, ${this.#failures.length} failed\n`);
  }

  /** True when all is as it should be. */
  print(demanded: { commands: number; faults: number }, off: readonly FaultKind[]): boolean {
    const sum = (of: (report: Report) => number): number => this.#reports.reduce((total, report) => total + of(report), 0);
    const lines = [
      ...FAULT_KINDS.map((kind) => `  ${kind.padEnd(26)} ${this.#faults.get(kind) ?? 0}${off.includes(kind) ? ' (off)' : ''}`),
      `seeds ${this.#reports.length} (${this.#failures.length} failed)`,
      `commands ${sum(({ commands }) => commands)}, events ${sum(({ events }) => events)}, dead letters ${sum(({ letters }) => letters)}`,
      `events of an older version raised ${sum(({ raised }) => raised)}, of one that was not known yet ${sum(({ unknown }) => unknown)}`,
      `faults ${sum(faultsOf)}, simulated hours ${(sum(({ chaosMs, healMs }) => chaosMs + healMs) / 3_600_000).toFixed(1)}`,
      `took ${((Date.now() - this.#startedAtMs) / 1_000).toFixed(1)} s`,
      ...this.#failures,
    ];
    const tooFew = this.#tooFew(demanded, off);
    process.stdout.write(`${[...lines, ...tooFew].join('\n')}\n`);
    return this.#failures.length === 0 && tooFew.length === 0;
  }

  #tooFew(demanded: { commands: number; faults: number }, off: readonly FaultKind[]): string[] {
    const lazy = this.#reports.filter(
      (report) => report.broken === undefined && (report.commands < demanded.commands || faultsOf(report) < demanded.faults),
    );
    const rare = FAULT_KINDS.filter((kind) => {
      const wanted = this.#reports.length >= LONG_RUN_SEEDS ? this.#reports.length * FAULTS_PER_SEED_MIN : 0;
      return !off.includes(kind) && (this.#faults.get(kind) ?? 0) < wanted;
    });
    return [
      ...lazy.map((report) => `seed ${report.seed} had only ${report.commands} commands and ${faultsOf(report)} faults`),
      ...rare.map((kind) => `too few of ${kind}: ${this.#faults.get(kind) ?? 0}`),
    ];
  }

  #failed(seed: number, why: string, tail: readonly string[]): void {
    const replay = `npm run simulate -- --seed ${seed} --trace${this.#flags}`;
    if (this.#failures.length === 0) process.stdout.write(`${tail.slice(-TAIL_LINES).join('\n')}\n`);
    this.#failures.push(`FAILED seed ${seed}: ${why.replaceAll('\n', ' ')}\n  replay: ${replay}`);
  }
}

function faultsOf({ faults }: Report): number {
  return [...faults.values()].reduce((total, count) => total + count, 0);
}
