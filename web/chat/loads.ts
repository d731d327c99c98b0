import { Pace } from './pace.ts';

/** what failed is asked for again after so long, if nobody moves before */
const AGAIN_MS = 5_000;

/** Loads one page at a time. */
export class Loads {
  readonly #say: (isUnderWay: boolean) => void;
  readonly #again: Pace;
  #isUnderWay = false;
  #hasFailed = false;

  /** `again` looks once more for what there is to load. */
  constructor(say: (isUnderWay: boolean) => void, again: () => void) {
    this.#say = say;
    this.#again = new Pace(AGAIN_MS, () => {
      this.#hasFailed = false;
      again();
    });
  }

  /** Begins, unless one is under way. After a failure only somebody who moves need not wait: the next may fail as fast. */
  begin(load: () => Promise<unknown>, isMoved: boolean): void {
    if (this.#isUnderWay) return;
    if (this.#hasFailed && !isMoved) return this.#again.ask();
    this.#again.stop();
    this.#isUnderWay = true;
    this.#say(true);
    void load()
      .then(
        () => (this.#hasFailed = false),
        () => (this.#hasFailed = true),
      )
      .finally(() => {
        this.#isUnderWay = false;
        this.#say(false);
      });
  }

  stop(): void {
    this.#again.stop();
  }
}
