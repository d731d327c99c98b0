/** tasks that may wait for the next turn; at the bound all of them run at once, as they would without grouping */
const WAITING_TASKS_MAX = 5_000;

export interface TurnPorts {
  /** runs a callback in a later turn of the event loop, after what has already arrived was handed over */
  nextTurn(callback: () => void): void;
  /** keeps the object running until the promise settles; it never rejects */
  background(work: Promise<void>): void;
}

/**
 * Group commit. Every turn that writes is one commit, and one fsync; the platform hands over one frame a turn. So the
 * first task runs at once, and what arrives while its turn is being committed waits and runs together in the next.
 * Tasks run in the order they came and must not throw.
 */
export class Turns {
  readonly #ports: TurnPorts;
  #waiting: (() => void)[] = [];
  #grouping = false;

  constructor(ports: TurnPorts) {
    this.#ports = ports;
  }

  run(task: () => void): void {
    if (this.#grouping) {
      this.#waiting.push(task);
      if (this.#waiting.length >= WAITING_TASKS_MAX) this.settle();
      return;
    }
    this.#grouping = true;
    task();
    this.#ports.background(new Promise((resolve) => this.#later(resolve)));
  }

  /** Runs what waits, now: before anything that must not overtake it. */
  settle(): void {
    const tasks = this.#waiting;
    this.#waiting = [];
    for (const task of tasks) task();
  }

  #later(done: () => void): void {
    this.#ports.nextTurn(() => {
      if (this.#waiting.length === 0) {
        this.#grouping = false;
        return done();
      }
      this.settle();
      this.#later(done);
    });
  }
}
