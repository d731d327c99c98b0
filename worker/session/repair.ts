import { STREAM_EVENTS_MAX, type InStreamAnswer } from '../../shared/contract/internal.ts';
import { PUBLISH_BATCH_BYTES_MAX, PUBLISH_BATCH_EVENTS_MAX, REPAIR_SEQS_MAX } from '../../shared/core/limits.ts';
import { missingRanges, rangesOf, seqsOf, type SeqRange } from '../../shared/core/seq-ranges.ts';
import type { SessionIdentity } from './api.ts';
import type { EncodedEvent, EventLog } from './event-log.ts';
import { publishItem } from './outbox.ts';
import type { RoomPorts } from './ports.ts';
import type { ProgressLog } from './progress-log.ts';
import { repairDueMs, republishAtMs, type Published } from './repair-plan.ts';
import { firstSeqs, RepairQuestions } from './repair-questions.ts';
import { Republications } from './republications.ts';
import type { Retention } from './retention.ts';

/** a round stops here and goes on with the next alarm */
const ROUND_MS_MAX = 10_000;
/** questions about the same events, each from behind the bound of the one before; then the next round asks again */
const STREAM_QUESTIONS_MAX = 16;
/** while a round runs: wakes the object again, should it die meanwhile */
const GUARD_MS = 10_000;

export interface RepairParts {
  events: EventLog;
  progress: ProgressLog;
  retention: Retention;
}

/**
 * What was sent and has no receipt is looked for (design decision 3): the archive holds it, or the stream still does, or it is
 * nowhere, and then it is published again. Whatever is not known counts as being there. The outbox goes on meanwhile: the mark
 * `sent` is never touched.
 */
export class Repair {
  readonly #identity: SessionIdentity;
  readonly #ports: RoomPorts;
  readonly #parts: RepairParts;
  readonly #afterMs: number;
  readonly #questions: RepairQuestions;
  readonly #republications: Republications;
  #running = false;
  #attempts = 0;
  #askedAtMs = 0;
  /** where the round goes on; undefined: none is under way */
  #cursor: number | undefined;
  #republishAtMs: number | undefined;
  /** as the stream last told it; until then nothing is published again */
  #duplicateWindowMs: number | undefined;

  constructor(identity: SessionIdentity, ports: RoomPorts, parts: RepairParts, afterMs: number) {
    this.#identity = identity;
    this.#ports = ports;
    this.#parts = parts;
    this.#afterMs = afterMs;
    this.#questions = new RepairQuestions(ports, identity);
    this.#republications = new Republications(ports.sql);
  }

  /** When the alarm is to ring for it. */
  dueMs(): number | undefined {
    const nowMs = this.#ports.nowMs();
    if (this.#running) return nowMs + GUARD_MS;
    const oldestSentMs = this.#oldestSentMs();
    return repairDueMs({
      nowMs,
      afterMs: this.#afterMs,
      ...(oldestSentMs === undefined ? {} : { oldestSentMs }),
      lastProgressMs: this.#parts.retention.lastProgressMs,
      attempts: this.#attemptsSinceProgress(),
      askedAtMs: this.#askedAtMs,
      goesOn: this.#cursor !== undefined,
      ...(this.#republishAtMs === undefined ? {} : { republishAtMs: this.#republishAtMs }),
    });
  }

  /** Starts a round when one is due, or goes on with it. Never throws; the alarm does not wait for it. */
  kick(): void {
    const dueMs = this.#running ? undefined : this.dueMs();
    if (dueMs === undefined || dueMs > this.#ports.nowMs()) return;
    this.#running = true;
    this.#ports.background(this.#run());
  }

  async #run(): Promise<void> {
    try {
      await this.#round();
    } catch (error) {
      this.#cursor = undefined;
      this.#ports.log('error', 'repair failed', { error: String(error) });
    } finally {
      this.#running = false;
    }
    const dueMs = this.dueMs();
    if (dueMs !== undefined) this.#ports.setAlarm(Math.max(dueMs, this.#ports.nowMs()));
  }

  async #round(): Promise<void> {
    const { progress } = this.#parts;
    const startedMs = this.#ports.nowMs();
    if (this.#cursor === undefined) {
      this.#attempts = this.#attemptsSinceProgress() + 1;
      this.#askedAtMs = startedMs;
      this.#republishAtMs = undefined;
      this.#cursor = progress.persisted + 1;
    }
    while (this.#ports.nowMs() - startedMs <= ROUND_MS_MAX) {
      const missing = firstSeqs(progress.unpersisted(progress.sent, this.#cursor), REPAIR_SEQS_MAX);
      const last = missing.at(-1);
      if (last === undefined || !(await this.#lookFor(missing))) {
        this.#cursor = undefined;
        return;
      }
      this.#cursor = last[1] + 1;
    }
  }

  /** False when the round ends here: nobody could say where they are, they are on their way, or they cannot be published now. */
  async #lookFor(missing: readonly SeqRange[]): Promise<boolean> {
    const held = await this.#questions.archive(missing);
    if (held === undefined) return false;
    this.#record({ ...held, seqs: held.ranges });
    const due = this.#due(without(missing, held.ranges));
    for (let at = 0; at < due.length; at += STREAM_EVENTS_MAX) {
      const absent = await this.#absentOf(due.slice(at, at + STREAM_EVENTS_MAX));
      // all of them are still on their way: the consumer is behind, and what follows has its turn when these are persisted
      if (absent === undefined || absent.length === 0) return false;
      if (!(await this.#republish(absent))) return false;
      this.#attempts = 1;
    }
    return true;
  }

  /** Of these seqs those that no stream holds. Undefined: nobody could say. */
  async #absentOf(seqs: readonly number[]): Promise<number[] | undefined> {
    let left = this.#parts.events.ids(seqs);
    let where: { from?: number; created?: string } = this.#lowerBound(seqs);
    const absent: number[] = [];
    for (let asked = 0; asked < STREAM_QUESTIONS_MAX && left.length > 0; asked += 1) {
      const answer = await this.#questions.stream(left, where);
      if (answer === undefined) return undefined;
      this.#duplicateWindowMs = answer.duplicateWindowMs;
      this.#take(answer);
      absent.push(...answer.absent);
      if (answer.lookedTo === undefined) break;
      where = { from: answer.lookedTo + 1, created: answer.created };
      const told = new Set([...answer.held, ...answer.absent]);
      left = left.filter(({ seq }) => !told.has(seq) && !this.#parts.progress.holds(seq));
    }
    return absent.toSorted((a, b) => a - b);
  }

  /** What became of some of them while we asked. */
  #take({ archived, buried }: InStreamAnswer): void {
    if (archived.ranges.length > 0) this.#record({ ...archived, seqs: archived.ranges });
    if (buried.length === 0) return;
    const atMs = Math.max(...buried.map((failure) => failure.at));
    const seqs = buried.map(({ seq }): [number, number] => [seq, seq]);
    this.#record({ seqs, publishedAt: atMs, persistedAt: atMs, failures: buried });
  }

  /** What was found makes the next round come soon again, as does what is put right. */
  #record(receipt: Parameters<Retention['record']>[0]): void {
    if (this.#parts.retention.record(receipt)) this.#attempts = 1;
  }

  /** In order, in batches; each attempt is noted before it is made. False when not all were taken. */
  async #republish(absent: readonly number[]): Promise<boolean> {
    for (let left = this.#due(absent); left.length > 0;) {
      const batch = this.#batch(left);
      const last = batch.at(-1);
      if (last === undefined) return true;
      this.#ports.transaction(() => {
        this.#republications.forget(this.#parts.progress.persisted);
        this.#republications.note(
          batch.map((event) => event.seq),
          this.#ports.nowMs(),
        );
      });
      if (!(await this.#publish(batch))) return false;
      left = left.filter((seq) => seq > last.seq);
    }
    return true;
  }

  async #publish(batch: readonly EncodedEvent[]): Promise<boolean> {
    const outcome = await this.#ports.publisher
      .publish(batch.map((event) => publishItem(this.#identity, event)))
      .catch((error: unknown) => ({ acked: 0, error: String(error), duplicates: [] }));
    const duplicates = outcome.duplicates?.length ?? 0;
    this.#ports.log('warn', 'events that archive and stream had lost are published again', {
      fromSeq: batch[0]?.seq,
      toSeq: batch.at(-1)?.seq,
      events: batch.length,
      stored: outcome.acked - duplicates,
      // the stream remembers them without having them: they are asked for once more, later
      takenForRepetitions: duplicates,
      ...(outcome.error === undefined ? {} : { error: outcome.error }),
    });
    return outcome.acked >= batch.length;
  }

  /** The first of them that one call takes. */
  #batch(seqs: readonly number[]): EncodedEvent[] {
    const batch: EncodedEvent[] = [];
    let bytes = 0;
    for (const [from, to] of rangesOf(seqs)) {
      const found = this.#parts.events.range(from, PUBLISH_BATCH_EVENTS_MAX - batch.length, PUBLISH_BATCH_BYTES_MAX - bytes, to);
      for (const event of found) {
        if (batch.length > 0 && bytes + event.bytes > PUBLISH_BATCH_BYTES_MAX) return batch;
        bytes += event.bytes;
        batch.push(event);
      }
      if (batch.length >= PUBLISH_BATCH_EVENTS_MAX || found.length < to - from + 1) return batch;
    }
    return batch;
  }

  /** Of these seqs those whose last publication is long enough ago, in order; notes when the others are due. */
  #due(seqs: readonly number[]): number[] {
    const [first, last] = [seqs[0], seqs.at(-1)];
    if (first === undefined || last === undefined) return [];
    const nowMs = this.#ports.nowMs();
    const publishedOf = this.#publishedBetween(first, last);
    return seqs.filter((seq) => {
      const published = publishedOf(seq);
      if (this.#parts.progress.holds(seq) || published.atMs > nowMs - this.#afterMs) return false;
      if (this.#duplicateWindowMs === undefined) return true;
      const atMs = republishAtMs(published, this.#duplicateWindowMs);
      if (atMs <= nowMs) return true;
      this.#republishAtMs = Math.min(this.#republishAtMs ?? atMs, atMs);
      return false;
    });
  }

  #publishedBetween(first: number, last: number): (seq: number) => Published {
    const again = this.#republications.between(first, last);
    const publications = this.#parts.progress.publications(first, last);
    return (seq) => {
      const atMs = publications.get(seq)?.atMs ?? this.#parts.events.atMs(seq) ?? 0;
      const later = again.get(seq);
      return later === undefined ? { atMs, attempts: 0 } : { ...later, atMs: Math.max(atMs, later.atMs) };
    };
  }

  /** The stream sequence that none of them is below. One that was published again may be anywhere in a stream made anew. */
  #lowerBound(seqs: readonly number[]): { from?: number } {
    const [first, last] = [seqs[0], seqs.at(-1)];
    if (first === undefined || last === undefined) return {};
    const again = this.#republications.between(first, last);
    const publications = this.#parts.progress.publications(first, last);
    let from = Number.POSITIVE_INFINITY;
    for (const seq of seqs) {
      const streamSeq = again.has(seq) ? undefined : publications.get(seq)?.streamSeq;
      if (streamSeq === undefined) return {};
      from = Math.min(from, streamSeq);
    }
    return { from };
  }

  #attemptsSinceProgress(): number {
    return this.#parts.retention.lastProgressMs > this.#askedAtMs ? 0 : this.#attempts;
  }

  #oldestSentMs(): number | undefined {
    const { progress, events } = this.#parts;
    const seq = progress.persisted + 1;
    if (seq > progress.sent) return undefined;
    return progress.publications(seq, seq).get(seq)?.atMs ?? events.atMs(seq);
  }
}

function without(ranges: readonly SeqRange[], held: readonly SeqRange[]): number[] {
  const sorted = held.toSorted((a, b) => a[0] - b[0]);
  const left = ranges.flatMap(([from, to]) => missingRanges(from, to, sorted));
  return left.flatMap(seqsOf);
}
