import { STREAM_REORDER_CHUNKS_MAX } from './limits.ts';
import { codePoints } from './text.ts';
import type { StreamRecord } from './types.ts';

/** What becomes of a chunk that came by a way that loses and reorders. */
export type Placement = 'next' | 'waits' | 'dropped';

/**
 * A stream that has not ended: its chunks in order, and those that came too early. At most STREAM_REORDER_CHUNKS_MAX wait;
 * with one more nothing waits any longer, until the chunks that are missing came as commands.
 */
export class RunningStream implements Readonly<StreamRecord> {
  readonly id: string;
  readonly starter: StreamRecord['starter'];
  readonly role: StreamRecord['role'];
  declare readonly name?: string;
  declare readonly parentId?: string;
  readonly metadata: StreamRecord['metadata'];
  readonly idleTimeoutMs: number;
  readonly startedAt: number;
  readonly #chunks: string[] = [];
  #early = new Map<number, string>();
  #codePoints = 0;
  #overflowed = false;
  /** highest index that a signal came with */
  #seenIndex = -1;
  #interrupted = false;

  constructor(record: StreamRecord) {
    this.id = record.id;
    this.starter = record.starter;
    this.role = record.role;
    if (record.name !== undefined) this.name = record.name;
    if (record.parentId !== undefined) this.parentId = record.parentId;
    this.metadata = record.metadata;
    this.idleTimeoutMs = record.idleTimeoutMs;
    this.startedAt = record.startedAt;
  }

  /** index of the chunk that comes next */
  get nextIndex(): number {
    return this.#chunks.length;
  }

  /** Unicode code points so far */
  get codePoints(): number {
    return this.#codePoints;
  }

  /** true while chunks were seen behind the next one, or may be lost: the text so far is not known to be whole */
  get torn(): boolean {
    return this.#interrupted || this.#seenIndex >= this.nextIndex;
  }

  chunk(index: number): string | undefined {
    return this.#chunks[index];
  }

  chunksFrom(index: number): string[] {
    return this.#chunks.slice(index);
  }

  textFrom(index: number): string {
    return this.chunksFrom(index).join('');
  }

  append(text: string): void {
    this.#early.delete(this.#chunks.length);
    this.#chunks.push(text);
    this.#codePoints += codePoints(text);
    // the sender knows where to go on
    this.#interrupted = false;
    if (!this.torn) this.#overflowed = false;
  }

  /** Chunks that were taken may be lost: who kept them stopped before they were stored. The next chunk settles it. */
  interrupt(): void {
    this.#interrupted = true;
  }

  /** Where a chunk belongs that came as a signal: only `next` may be appended now. */
  place(index: number, text: string): Placement {
    this.#seenIndex = Math.max(this.#seenIndex, index);
    if (index === this.nextIndex) return 'next';
    if (index < this.nextIndex || this.#overflowed) return 'dropped';
    if (this.#early.size >= STREAM_REORDER_CHUNKS_MAX && !this.#early.has(index)) {
      this.#early.clear();
      this.#overflowed = true;
      return 'dropped';
    }
    this.#early.set(index, text);
    return 'waits';
  }

  /** The chunk that waited for its turn, which is now. */
  takeEarly(): string | undefined {
    const text = this.#early.get(this.nextIndex);
    this.#early.delete(this.nextIndex);
    return text;
  }
}
