import cliProgress from 'cli-progress';

const LINE_EVERY_MS = 5_000;

/** Says how far one step is: a bar on a terminal, else a line every few seconds. On stderr, so that stdout is the report's. */
export class Progress {
  readonly #name: string;
  readonly #total: number;
  readonly #bar: cliProgress.SingleBar | undefined;
  readonly #startedMs = Date.now();
  #done = 0;
  #saidAtMs = Date.now();

  constructor(name: string, total: number) {
    this.#name = name;
    this.#total = total;
    if (!process.stderr.isTTY) return;
    const format = `${name.padEnd(12)} {bar} {value}/{total}  {rate}/s`;
    this.#bar = new cliProgress.SingleBar({ format, hideCursor: true }, cliProgress.Presets.shades_classic);
    this.#bar.start(total, 0, { rate: 0 });
  }

  step(count = 1): void {
    this.#done += count;
    if (this.#bar !== undefined) this.#bar.update(this.#done, { rate: this.#rate() });
    else if (Date.now() - this.#saidAtMs >= LINE_EVERY_MS) this.#say();
  }

  end(): void {
    if (this.#bar === undefined) return this.#say();
    this.#bar.update(this.#done, { rate: this.#rate() });
    this.#bar.stop();
  }

  #say(): void {
    this.#saidAtMs = Date.now();
    console.error(`${this.#name}: ${this.#done} of ${this.#total}, ${this.#rate()}/s`);
  }

  #rate(): number {
    return Math.round(this.#done / Math.max(0.001, (Date.now() - this.#startedMs) / 1_000));
  }
}
