import { DIGEST_BYTES, digestAt, ERASED, putDigest, type EventDigest } from '../../shared/core/event-digest.ts';

/** digests in one row: rows written are billed, so a trim of some hundreds of events writes one row or two */
const ROW_SEQS = 1_000;

/**
 * What the events were that were trimmed, as digests: so that an audit can say whether the archive holds still what was
 * accepted. Seqs that were trimmed before there were digests are not known, and are zeros.
 */
export class DigestLog {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Digests of contiguous events from `from` on. Call inside the transaction that trims them. */
  keep(from: number, digests: readonly EventDigest[]): void {
    this.#change(from, from + digests.length - 1, (seq) => digests[seq - from]);
  }

  /** The content of these was erased: what they were besides stays known. */
  erase(seqs: readonly number[]): void {
    const wanted = new Set(seqs);
    const buckets = new Set(seqs.map(bucketOf));
    for (const bucket of buckets) {
      const first = bucket * ROW_SEQS;
      this.#change(first, first + ROW_SEQS - 1, (seq, { envelope }) =>
        wanted.has(seq) ? { envelope, data: ERASED } : undefined,
      );
    }
  }

  /** from…to, one after the other. */
  range(from: number, to: number): Uint8Array {
    const found = new Uint8Array(Math.max(0, to - from + 1) * DIGEST_BYTES);
    for (const { bucket, bytes } of this.#rows(from, to)) {
      const first = bucket * ROW_SEQS;
      const start = Math.max(from, first);
      const end = Math.min(to, first + ROW_SEQS - 1);
      const part = bytes.subarray((start - first) * DIGEST_BYTES, (end - first + 1) * DIGEST_BYTES);
      found.set(part, (start - from) * DIGEST_BYTES);
    }
    return found;
  }

  #change(from: number, to: number, change: (seq: number, before: EventDigest) => EventDigest | undefined): void {
    const known = new Map([...this.#rows(from, to)].map(({ bucket, bytes }) => [bucket, bytes]));
    for (let bucket = bucketOf(from); bucket <= bucketOf(to); bucket += 1) {
      const bytes = known.get(bucket) ?? new Uint8Array(ROW_SEQS * DIGEST_BYTES);
      const first = bucket * ROW_SEQS;
      for (let seq = Math.max(from, first); seq <= Math.min(to, first + ROW_SEQS - 1); seq += 1) {
        const digest = change(seq, digestAt(bytes, seq - first));
        if (digest !== undefined) putDigest(bytes, seq - first, digest);
      }
      this.#sql.exec(`INSERT OR REPLACE INTO digests (bucket, digests) VALUES (?, ?)`, bucket, bytes);
    }
  }

  *#rows(from: number, to: number): Generator<{ bucket: number; bytes: Uint8Array }> {
    const rows = this.#sql.exec<{ bucket: number; digests: ArrayBuffer }>(
      `SELECT bucket, digests FROM digests WHERE bucket >= ? AND bucket <= ?`,
      bucketOf(from),
      bucketOf(to),
    );
    for (const { bucket, digests } of rows) yield { bucket, bytes: new Uint8Array(digests) };
  }
}

function bucketOf(seq: number): number {
  return Math.floor(seq / ROW_SEQS);
}
