import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { z } from 'zod';

const SAVE_EVERY_MS = 1_000;
const saved = z.object({ bytes: z.int(), changedAtMs: z.number(), url: z.string(), done: z.int().min(0) });

/**
 * How far an import came, in a file beside the export: all lines up to there were taken. It only saves time, for a line that is
 * sent twice has one effect. A file that was changed, or another system, begins anew.
 */
export class Resume {
  readonly #path: string;
  readonly #of: { bytes: number; changedAtMs: number; url: string };
  readonly #answered = new Set<number>();
  #firstRefused = Infinity;
  #savedAtMs = 0;
  /** lines from the beginning that need not be sent again */
  done = 0;

  constructor(file: string, url: string) {
    const { size, mtimeMs } = statSync(file);
    this.#path = `${file}.progress`;
    this.#of = { bytes: size, changedAtMs: mtimeMs, url };
    try {
      const { done, ...of } = saved.parse(JSON.parse(readFileSync(this.#path, 'utf8')));
      if (JSON.stringify(of) === JSON.stringify(this.#of)) this.done = done;
    } catch {
      // none yet, or none that can be read
    }
  }

  /** `at` counts lines from 0, in any order. */
  answered(at: number): void {
    this.#answered.add(at);
    while (this.#answered.delete(this.done)) this.done += 1;
    if (Date.now() - this.#savedAtMs >= SAVE_EVERY_MS) this.save();
  }

  /** The next run tries it again, and all behind it: else it would be passed over for good, and that run would say that all is well. */
  refused(at: number): void {
    this.#firstRefused = Math.min(this.#firstRefused, at);
    this.answered(at);
  }

  save(): void {
    this.#savedAtMs = Date.now();
    writeFileSync(`${this.#path}.new`, JSON.stringify({ ...this.#of, done: Math.min(this.done, this.#firstRefused) }));
    renameSync(`${this.#path}.new`, this.#path);
  }
}
