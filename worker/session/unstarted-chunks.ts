import { STREAM_REORDER_CHUNKS_MAX, TEXT_CODE_POINTS_MAX } from '../../shared/core/limits.ts';

/** streams remembered before their start came; over it the oldest is forgotten */
const STREAMS_MAX = 16;
/** a start that takes longer to come than this is waited for by nobody */
const WAIT_MS_MAX = 5_000;

interface Chunk {
  index: number;
  text: string;
}

interface Waiting {
  starter: string;
  sinceMs: number;
  /** at most STREAM_REORDER_CHUNKS_MAX, and TEXT_CODE_POINTS_MAX UTF-16 units in all; more are dropped, and show as a hole */
  chunks: Chunk[];
  units: number;
}

/**
 * Chunks whose stream is not there yet. A backend that publishes its start and its first chunks in one breath sees the
 * chunks overtake it: signals go straight through, commands by way of a stream that is stored.
 */
export class UnstartedChunks {
  readonly #waiting = new Map<string, Waiting>();

  add(messageId: string, starter: string, chunk: Chunk, nowMs: number): void {
    let waiting = this.#waiting.get(messageId);
    if (waiting === undefined || waiting.starter !== starter || waiting.sinceMs + WAIT_MS_MAX <= nowMs) {
      this.#waiting.delete(messageId);
      if (this.#waiting.size >= STREAMS_MAX) this.#waiting.delete(this.#waiting.keys().next().value ?? '');
      waiting = { starter, sinceMs: nowMs, chunks: [], units: 0 };
      this.#waiting.set(messageId, waiting);
    }
    if (waiting.chunks.length >= STREAM_REORDER_CHUNKS_MAX) return;
    if (waiting.units + chunk.text.length > TEXT_CODE_POINTS_MAX) return;
    waiting.chunks.push(chunk);
    waiting.units += chunk.text.length;
  }

  /** What came for a stream before it started, in the order it came; only from who started it. */
  take(messageId: string, starter: string, nowMs: number): Chunk[] {
    const waiting = this.#waiting.get(messageId);
    this.#waiting.delete(messageId);
    if (waiting === undefined || waiting.starter !== starter || waiting.sinceMs + WAIT_MS_MAX <= nowMs) return [];
    return waiting.chunks;
  }
}
