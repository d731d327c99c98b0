import { lookInStream } from '../../../../consumers/query/in-stream.ts';
import { SYSTEM_TIME } from '../../../../consumers/runtime/time.ts';
import type { HistoryStore } from '../../../../consumers/stores/history/port.ts';
import type { Failure, QueryAnswer, QueryRequest, Receipt } from '../../../../shared/contract/internal.ts';
import { rangesOf, seqsOf } from '../../../../shared/core/seq-ranges.ts';
import type { Publisher } from '../../../../worker/session/ports.ts';
import type { PublishItem, PublishOutcome, RequestOutcome } from '../../../../worker/uplink/api.ts';

interface Stored extends PublishItem {
  streamSeq: number;
}

/** A stream with its window of repetitions, the archive behind it, and `query`, the real one; whatever can be lost can be lost here. */
export class LossyStream implements Publisher {
  readonly windowMs = 120_000;
  readonly archived = new Set<number>();
  readonly letters = new Map<string, Omit<Failure, 'seq'>>();
  /** every message that was ever stored, in order; those that were lost too */
  readonly stored: number[] = [];
  readonly calls: { atMs: number; seqs: number[] }[] = [];
  readonly asked: QueryRequest[] = [];
  messages: Stored[] = [];
  ackFloor = 0;
  /** while true: no publish is taken, as of a stream that is full */
  full = false;
  /** questions that are not answered */
  silent: 'none' | 'all' | 'stream' = 'none';
  /** an Uplink of an older build says neither sequences nor repetitions */
  old = false;
  #created = 1;
  #lastSeq = 0;
  #seenAtMs = new Map<string, number>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  async publish(items: PublishItem[]): Promise<PublishOutcome> {
    this.calls.push({ atMs: this.#nowMs(), seqs: items.map(seqOf) });
    if (this.full) return await Promise.resolve({ acked: 0, error: 'maximum bytes exceeded' });
    const duplicates: number[] = [];
    let lowest = Number.POSITIVE_INFINITY;
    for (const [index, item] of items.entries()) {
      const seenAtMs = this.#seenAtMs.get(item.id);
      if (seenAtMs !== undefined && seenAtMs > this.#nowMs() - this.windowMs) {
        duplicates.push(index);
        continue;
      }
      this.#seenAtMs.set(item.id, this.#nowMs());
      this.#lastSeq += 1;
      lowest = Math.min(lowest, this.#lastSeq);
      this.messages.push({ ...item, streamSeq: this.#lastSeq });
      this.stored.push(seqOf(item));
    }
    if (this.old) return { acked: items.length };
    return {
      acked: items.length,
      ...(lowest === Number.POSITIVE_INFINITY ? {} : { streamSeq: lowest }),
      ...(duplicates.length === 0 ? {} : { duplicates }),
    };
  }

  async request(_subject: string, payload: string): Promise<RequestOutcome> {
    const request = JSON.parse(payload) as QueryRequest;
    this.asked.push(request);
    if (this.silent === 'all' || (this.silent === 'stream' && request.op === 'inStream')) return { ok: false, error: 'planted' };
    return { ok: true, payload: JSON.stringify(await this.#answer(request)) };
  }

  async signal(): Promise<void> {
    await Promise.resolve();
  }

  /** Deleted and made anew: nothing is in it, and nothing is remembered. */
  recreate(): void {
    this.#created += 1;
    this.#lastSeq = 0;
    this.messages = [];
    this.#seenAtMs = new Map();
    this.ackFloor = 0;
  }

  /** The last messages are gone; `remembers`: not their ids, as after a purge. */
  loseTail(count: number, remembers = false): void {
    const lost = this.messages.splice(-count);
    this.#lastSeq = this.messages.at(-1)?.streamSeq ?? 0;
    if (!remembers) for (const { id } of lost) this.#seenAtMs.delete(id);
    this.ackFloor = Math.min(this.ackFloor, this.#lastSeq);
  }

  /** What the history does with all that waits for it. The receipt of it. */
  consume(identity: { tenant: string; sessionId: string }): Receipt {
    const seqs = this.messages.filter(({ streamSeq }) => streamSeq > this.ackFloor).map(seqOf);
    for (const seq of seqs) this.archived.add(seq);
    this.ackFloor = this.#lastSeq;
    const atMs = this.#nowMs();
    const ranges = rangesOf(seqs).map(([from, to]): [number, number] => [from, to]);
    return { ...identity, seqs: ranges, publishedAt: atMs, persistedAt: atMs };
  }

  async #answer(request: QueryRequest): Promise<QueryAnswer> {
    const heldRanges: HistoryStore['heldRanges'] = async (_session, ranges) =>
      await Promise.resolve({
        ranges: rangesOf(ranges.flatMap(seqsOf).filter((seq) => this.archived.has(seq))),
        publishedAt: this.#nowMs(),
        persistedAt: this.#nowMs(),
      });
    if (request.op === 'held') {
      const held = await heldRanges(request, request.ranges);
      return { ok: true, op: 'held', ...held, ranges: held.ranges.map(([from, to]) => [from, to]) };
    }
    if (request.op !== 'inStream') return { ok: false, code: 'invalid_request', detail: request.op };
    // nothing else of the store is asked
    const store = { heldRanges } as HistoryStore;
    const stream = {
      state: async () =>
        await Promise.resolve({
          created: String(this.#created),
          lastSeq: this.#lastSeq,
          duplicateWindowMs: this.windowMs,
          ackFloor: this.ackFloor,
        }),
      next: async (_subject: string, fromSeq: number) => {
        const found = this.messages.find(({ streamSeq }) => streamSeq >= fromSeq);
        return await Promise.resolve(found === undefined ? undefined : { seq: found.streamSeq, id: found.id });
      },
    };
    const deadLettersOf = async (ids: ReadonlySet<string>) =>
      await Promise.resolve(new Map([...this.letters].filter(([id]) => ids.has(id))));
    return await lookInStream({ store, stream, deadLettersOf, time: { ...SYSTEM_TIME, now: this.#nowMs } }, request);
  }
}

function seqOf(item: PublishItem): number {
  return (JSON.parse(item.payload) as { seq: number }).seq;
}
