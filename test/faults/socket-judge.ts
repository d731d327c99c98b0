import type { SeenEvent } from './ledger.ts';

/** One socket that somebody kept open through everything, over all of its connections (contract §4, P4). */
export class SocketJudge {
  readonly session: string;
  readonly seen = new Map<number, SeenEvent>();
  readonly found: { fault: 'silentGaps' | 'doubled' | 'different'; what: string }[] = [];
  announcedGaps = 0;
  resumes = 0;
  #after = 0;
  /** what the connection must bring next; undefined before its welcome */
  #next: number | undefined;
  #epoch: string | undefined;
  #connections = 0;

  constructor(session: string) {
    this.session = session;
  }

  connect(after: number): void {
    this.#after = after;
    this.#next = undefined;
    this.#connections += 1;
  }

  welcome(from: number, recovered: boolean, epoch: string): void {
    if (this.#connections > 1) this.resumes += 1;
    if (this.#epoch !== undefined && this.#epoch !== epoch) this.#add('different', `the epoch became ${epoch}`);
    this.#epoch = epoch;
    this.#next = from;
    if (!recovered) this.announcedGaps += 1;
    else if (from !== this.#after + 1) this.#add('silentGaps', `it resumed after ${this.#after} and begins at ${from}`);
  }

  frame(events: readonly SeenEvent[]): void {
    for (const event of events) {
      const [seq] = event;
      if (this.#next === undefined) this.#add('silentGaps', `seq ${seq} came before the welcome`);
      else if (seq > this.#next) this.#add('silentGaps', `seq ${seq} came instead of ${this.#next}`);
      else if (seq < this.#next) this.#add('doubled', `seq ${seq} came again instead of ${this.#next}`);
      this.#next = seq + 1;
      this.#keep(event);
    }
  }

  refill(events: readonly SeenEvent[]): void {
    for (const event of events) this.#keep(event);
  }

  #keep(event: SeenEvent): void {
    const before = this.seen.get(event[0]);
    if (before === undefined) this.seen.set(event[0], event);
    else if (before[1] !== event[1] || before[2] !== event[2]) this.#add('different', `seq ${event[0]} came with two values`);
  }

  #add(fault: 'silentGaps' | 'doubled' | 'different', what: string): void {
    this.found.push({ fault, what });
  }
}
