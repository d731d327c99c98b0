/** Does something at most once in a time: a while after it is asked for, however often it is asked for meanwhile. */
export class Pace {
  readonly #everyMs: number;
  readonly #run: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(everyMs: number, run: () => void) {
    this.#everyMs = everyMs;
    this.#run = run;
  }

  ask(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#run();
    }, this.#everyMs);
  }

  /** What was asked for is not done. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
