import type { Accepted } from '../../shared/contract/answers.ts';
import type { CommandName } from '../../shared/core/types.ts';
import type { Checker } from './checker.ts';

/** One thing that somebody wanted, and what they were told of it. */
export interface Entry {
  sessionId: string;
  userId: string;
  name: CommandName;
  data: object;
  correlationId: string;
  attempts: number;
  /** absent: whoever loses the answer must not try again */
  key?: string;
  /**
   * - `unknown`: no answer came, and without a key nobody may ask again: it happened once, or not at all
   */
  outcome?: { kind: 'accepted'; accepted: Accepted } | { kind: 'refused'; code: string } | { kind: 'unknown' };
}

/** Every command with what was answered: what the checker holds the system to. */
export class Ledger {
  readonly entries: Entry[] = [];
  readonly #checker: Checker;
  #open = 0;

  constructor(checker: Checker) {
    this.#checker = checker;
  }

  get open(): number {
    return this.#open;
  }

  add(entry: Entry): void {
    this.entries.push(entry);
    this.#open += 1;
  }

  settle(entry: Entry, outcome: NonNullable<Entry['outcome']>): void {
    if (entry.outcome === undefined) {
      entry.outcome = outcome;
      this.#open -= 1;
      if (outcome.kind === 'accepted') this.#checker.accepted(entry, outcome.accepted);
      return;
    }
    // a second answer to the same command: a repetition with its key
    this.#checker.answeredAgain(entry, entry.outcome, outcome);
  }
}
