import type { HttpClient } from '../replay/http.ts';
import { Progress } from '../replay/progress.ts';
import { linesOf, type NumberedLine, type Survey } from './file.ts';
import { SessionImporter, type Outcome } from './importer.ts';
import { sessionOf, type ExportLine } from './lines.ts';
import type { Resume } from './resume.ts';

/** lines that are read ahead of their answers: memory is bounded, and one slow session does not hold up the others at once */
const READ_AHEAD_LINES_MAX = 4_096;
/** refused lines that are named in the report; the others are counted */
const NAMED_MAX = 50;

export interface ImportReport {
  lines: number;
  /** answered by an earlier run of the same file */
  skipped: number;
  sent: Record<ExportLine['type'], number>;
  there: number;
  refused: number;
  /** the first of them */
  named: { line: number; why: string }[];
  seconds: number;
}

/** Sends what is left of a file: each session in its order, so many sessions at once. Rejects when the system stays away. */
export async function runImport(
  file: string,
  { lines, sessions }: Survey,
  { http, inFlight, resume }: { http: HttpClient; inFlight: number; resume: Resume },
): Promise<ImportReport> {
  const startedAtMs = Date.now();
  const sent = { session: 0, member: 0, message: 0, reaction: 0 };
  const report: ImportReport = { lines, skipped: resume.done, sent, there: 0, refused: 0, named: [], seconds: 0 };
  const progress = new Progress('importing', lines);
  progress.step(resume.done);
  const lanes = new Lanes(inFlight, READ_AHEAD_LINES_MAX);
  const importers = new Map<string, SessionImporter>();
  const importerOf = ({ number, line }: NumberedLine): SessionImporter => {
    const session = sessionOf(line);
    const known = sessions.get(session);
    if (known === undefined) throw new Error(`the file changed while it was read: line ${number}`);
    const importer = importers.get(session) ?? new SessionImporter(http, known);
    importers.set(session, importer);
    return importer;
  };
  const note = ({ number, line }: NumberedLine, outcome: Outcome): void => {
    if (outcome.kind === 'there') report.there += 1;
    else if (outcome.kind === 'sent') sent[line.type] += 1;
    else {
      report.refused += 1;
      if (report.named.length < NAMED_MAX) report.named.push({ line: number, why: outcome.why });
    }
  };
  const from = resume.done;
  let at = -1;
  try {
    for await (const numbered of linesOf(file)) {
      at += 1;
      if (at < from) {
        importerOf(numbered).passOver(numbered.line);
        continue;
      }
      const own = at;
      await lanes.run(sessionOf(numbered.line), async () => {
        const outcome = await importerOf(numbered).send(numbered);
        note(numbered, outcome);
        if (outcome.kind === 'refused') resume.refused(own);
        else resume.answered(own);
        progress.step();
      });
    }
    await lanes.idle();
  } finally {
    resume.save();
    progress.end();
  }
  return { ...report, seconds: (Date.now() - startedAtMs) / 1_000 };
}

/** One piece of work of a lane at a time, in order; of so many lanes at once. The first failure ends all. */
class Lanes {
  readonly #inFlightMax: number;
  readonly #waitingMax: number;
  readonly #queues = new Map<string, (() => Promise<void>)[]>();
  readonly #ready: string[] = [];
  #running = 0;
  #waiting = 0;
  #failure: { error: unknown } | undefined;
  #wake: () => void = () => {};

  constructor(inFlightMax: number, waitingMax: number) {
    this.#inFlightMax = inFlightMax;
    this.#waitingMax = waitingMax;
  }

  /** Resolves when there is room for more, which is before the work is done. */
  async run(lane: string, work: () => Promise<void>): Promise<void> {
    const queue = this.#queues.get(lane);
    this.#waiting += 1;
    if (queue === undefined) {
      this.#queues.set(lane, [work]);
      this.#ready.push(lane);
    } else queue.push(work);
    this.#next();
    while (this.#waiting >= this.#waitingMax && this.#failure === undefined) await this.#woken();
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async idle(): Promise<void> {
    while (this.#waiting > 0 && this.#failure === undefined) await this.#woken();
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async #woken(): Promise<void> {
    await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  #next(): void {
    while (this.#running < this.#inFlightMax && this.#failure === undefined) {
      const lane = this.#ready.shift();
      const work = lane === undefined ? undefined : this.#queues.get(lane)?.[0];
      if (lane === undefined || work === undefined) return;
      this.#running += 1;
      void this.#one(lane, work);
    }
  }

  /** Never rejects. */
  async #one(lane: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#failure ??= { error };
    }
    this.#running -= 1;
    this.#waiting -= 1;
    const queue = this.#queues.get(lane);
    queue?.shift();
    if (queue === undefined || queue.length === 0) this.#queues.delete(lane);
    else this.#ready.push(lane);
    this.#next();
    this.#wake();
  }
}
