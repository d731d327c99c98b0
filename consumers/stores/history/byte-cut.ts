import { utf8Bytes } from '../../../shared/core/text.ts';

/** Takes values while their JSON, as one array, stays within bytesMax, and always the first. */
export class ByteCut<T> {
  readonly taken: T[] = [];
  readonly #bytesMax: number;
  #bytes = 2;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** False when it does not fit any more: it is not taken, and nothing after it may be. */
  take(value: T): boolean {
    this.#bytes += utf8Bytes(JSON.stringify(value)) + 1;
    if (this.taken.length > 0 && this.#bytes > this.#bytesMax) return false;
    this.taken.push(value);
    return true;
  }
}
