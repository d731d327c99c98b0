import { FAILURES_MAX, RECEIPT_RANGES_MAX, RECEIPT_SESSIONS_MAX, type Receipt } from '../../shared/contract/internal.ts';
import { addRanges, countOf, type SeqRange } from '../../shared/core/seq-ranges.ts';
import type { Failure } from './one-receipt.ts';

/** a session hears at most once in this time */
export const SESSION_INTERVAL_MS = 1_000;
/** the rest of the batch that a lone event came with still gets into its receipt */
export const LINGER_MS = 15;
/** sessions with something to tell; at it the oldest without failures are dropped: the Session asks the archive for those */
export const QUEUE_SESSIONS_MAX = 20_000;
/** ranges and failures in one call, so that a body stays below 1 MiB */
const CALL_RANGES_MAX = 20_000;
const CALL_FAILURES_MAX = 200;

interface Pending {
  tenant: string;
  sessionId: string;
  ranges: SeqRange[];
  failures: Map<number, Failure>;
  publishedAt: number;
  persistedAt: number;
  /** when the oldest of what is to be told was stored, or buried */
  oldestMs: number;
  dueAtMs: number;
}

/**
 * Receipts on their way, coalesced per session. A plain structure: time comes in, nothing is sent here.
 * What is taken is gone; what was not delivered is put back.
 */
export class ReceiptQueue {
  /** in the order in which sessions came to have something to tell */
  readonly #pending = new Map<string, Pending>();
  /** when a session was last told; only those within the interval matter, in the order of time */
  readonly #toldAtMs = new Map<string, number>();
  /** of receipts that were taken */
  readonly #oldestMs = new WeakMap<Receipt, number>();
  #dropped = 0;

  addPersisted(place: { tenant: string; sessionId: string; seq: number }, publishedAtMs: number, nowMs: number): void {
    const pending = this.#of(place, nowMs);
    pending.ranges = withSeq(pending.ranges, place.seq);
    // the same event also came whole: it is persisted, whatever a copy of it was
    pending.failures.delete(place.seq);
    pending.publishedAt = Math.max(pending.publishedAt, publishedAtMs);
    pending.oldestMs = Math.min(pending.oldestMs, publishedAtMs);
    pending.persistedAt = Math.max(pending.persistedAt, nowMs);
    this.#trim();
  }

  addFailure(place: { tenant: string; sessionId: string }, failure: Failure, nowMs: number): void {
    const pending = this.#of(place, nowMs);
    if (pending.ranges.some(([from, to]) => from <= failure.seq && failure.seq <= to)) return;
    pending.failures.set(failure.seq, failure);
    pending.publishedAt = Math.max(pending.publishedAt, failure.at);
    pending.oldestMs = Math.min(pending.oldestMs, failure.at);
    pending.persistedAt = Math.max(pending.persistedAt, failure.at);
    this.#trim();
  }

  /** What one call may carry now; empty when nothing is due. */
  takeDue(nowMs: number): Receipt[] {
    this.#forgetTold(nowMs);
    const receipts: Receipt[] = [];
    let ranges = 0;
    let failures = 0;
    for (const [key, pending] of this.#pending) {
      if (receipts.length >= RECEIPT_SESSIONS_MAX) break;
      if (pending.dueAtMs > nowMs) continue;
      const room = Math.min(RECEIPT_RANGES_MAX, CALL_RANGES_MAX - ranges);
      if (room <= FAILURES_MAX || failures >= CALL_FAILURES_MAX) break;
      const receipt = this.#take(key, pending, room, nowMs);
      ranges += receipt.seqs.length;
      failures += receipt.failures?.length ?? 0;
      receipts.push(receipt);
    }
    return receipts;
  }

  /** Milliseconds until something is due; undefined when nothing is waiting. */
  dueInMs(nowMs: number): number | undefined {
    let earliest: number | undefined;
    for (const { dueAtMs } of this.#pending.values()) earliest = Math.min(earliest ?? dueAtMs, dueAtMs);
    return earliest === undefined ? undefined : Math.max(0, earliest - nowMs);
  }

  /** Takes back what did not arrive; due again after delayMs. */
  putBack(receipts: readonly Receipt[], delayMs: number, nowMs: number): void {
    for (const receipt of receipts) {
      const pending = this.#of(receipt, nowMs);
      const failed = new Set(receipt.failures?.map(({ seq }) => seq));
      pending.ranges = addRanges(pending.ranges, without(receipt.seqs, failed));
      for (const failure of receipt.failures ?? []) pending.failures.set(failure.seq, failure);
      pending.publishedAt = Math.max(pending.publishedAt, receipt.publishedAt);
      pending.oldestMs = Math.min(pending.oldestMs, this.oldestMs(receipt));
      pending.persistedAt = Math.max(pending.persistedAt, receipt.persistedAt);
      pending.dueAtMs = Math.max(pending.dueAtMs, nowMs + delayMs);
    }
    this.#trim();
  }

  /** Makes everything due, for the last call before a stop. */
  hurry(): void {
    for (const pending of this.#pending.values()) pending.dueAtMs = 0;
  }

  get size(): number {
    return this.#pending.size;
  }

  /** When the oldest event of a receipt that was taken from here was stored; epoch milliseconds. */
  oldestMs(receipt: Receipt): number {
    return this.#oldestMs.get(receipt) ?? receipt.publishedAt;
  }

  /** How many sessions' receipts were dropped since the last question. */
  takeDropped(): number {
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped;
  }

  #take(key: string, pending: Pending, room: number, nowMs: number): Receipt {
    const failures = [...pending.failures.values()].slice(0, FAILURES_MAX);
    // a failed event counts as settled: its seq stands among the others, in the same receipt as its failure
    const failedSeqs = failures.map(({ seq }): SeqRange => [seq, seq]);
    const kept = pending.ranges.slice(0, room - failures.length);
    const receipt: Receipt = {
      tenant: pending.tenant,
      sessionId: pending.sessionId,
      seqs: addRanges(kept, failedSeqs).map(([from, to]) => [from, to]),
      publishedAt: pending.publishedAt,
      persistedAt: pending.persistedAt,
      ...(failures.length === 0 ? {} : { failures }),
    };
    this.#oldestMs.set(receipt, pending.oldestMs);
    this.#pending.delete(key);
    this.#toldAtMs.delete(key);
    this.#toldAtMs.set(key, nowMs);
    const restRanges = pending.ranges.slice(kept.length);
    const restFailures = [...pending.failures].slice(failures.length);
    if (restRanges.length > 0 || restFailures.length > 0) {
      const dueAtMs = nowMs + SESSION_INTERVAL_MS;
      this.#pending.set(key, { ...pending, ranges: restRanges, failures: new Map(restFailures), dueAtMs });
    }
    return receipt;
  }

  #of({ tenant, sessionId }: { tenant: string; sessionId: string }, nowMs: number): Pending {
    const key = `${tenant} ${sessionId}`;
    const known = this.#pending.get(key);
    if (known !== undefined) return known;
    const toldAtMs = this.#toldAtMs.get(key);
    const dueAtMs = Math.max(nowMs + LINGER_MS, toldAtMs === undefined ? 0 : toldAtMs + SESSION_INTERVAL_MS);
    const none = { ranges: [], failures: new Map(), publishedAt: 0, persistedAt: 0, oldestMs: Infinity };
    const pending: Pending = { tenant, sessionId, ...none, dueAtMs };
    this.#pending.set(key, pending);
    return pending;
  }

  #forgetTold(nowMs: number): void {
    for (const [key, toldAtMs] of this.#toldAtMs) {
      if (nowMs - toldAtMs < SESSION_INTERVAL_MS) break;
      this.#toldAtMs.delete(key);
    }
  }

  /** A lost failure has no archive to be repaired from: those sessions stay as long as there are others. */
  #trim(): void {
    if (this.#pending.size <= QUEUE_SESSIONS_MAX) return;
    let oldest: string | undefined;
    for (const [key, pending] of this.#pending) {
      oldest ??= key;
      if (pending.failures.size > 0) continue;
      oldest = key;
      break;
    }
    if (oldest !== undefined) this.#pending.delete(oldest);
    this.#dropped += 1;
  }
}

/** The common case, the next seq, costs nothing; a session of many holes is merged as a whole. */
function withSeq(ranges: SeqRange[], seq: number): SeqRange[] {
  const last = ranges.at(-1);
  if (last === undefined || seq > last[1] + 1) return [...ranges, [seq, seq]];
  if (seq === last[1] + 1) return [...ranges.slice(0, -1), [last[0], seq]];
  return addRanges(ranges, [[seq, seq]]);
}

function without(ranges: readonly (readonly [number, number])[], seqs: ReadonlySet<number>): SeqRange[] {
  let left: SeqRange[] = ranges.map(([from, to]) => [from, to]);
  for (const seq of seqs) {
    left = left.flatMap(([from, to]): SeqRange[] => {
      if (seq < from || seq > to) return [[from, to]];
      const parts: SeqRange[] = [
        [from, seq - 1],
        [seq + 1, to],
      ];
      return parts.filter((part) => countOf([part]) > 0);
    });
  }
  return left;
}
