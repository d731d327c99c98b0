import { MillraceError } from './error.ts';

interface Waiting<T> {
  resolve: (result: IteratorResult<T>) => void;
  reject: (error: MillraceError) => void;
}

/**
 * A queue that is read with `for await`. It holds `itemsMax`; a reader that falls further behind gets what is held and then
 * `buffer_full`: never a run with something missing in its middle.
 */
export class EventIterator<T> implements AsyncIterableIterator<T> {
  readonly #itemsMax: number;
  readonly #onEnd: () => void;
  #items: T[] = [];
  #waiting: Waiting<T>[] = [];
  /** false: ended well */
  #end: MillraceError | false | undefined;

  constructor(itemsMax: number, onEnd: () => void) {
    this.#itemsMax = itemsMax;
    this.#onEnd = onEnd;
  }

  push(item: T): void {
    if (this.#end !== undefined) return;
    const reader = this.#waiting.shift();
    if (reader !== undefined) return reader.resolve({ value: item, done: false });
    if (this.#items.length >= this.#itemsMax) {
      return this.end(new MillraceError('buffer_full', `More than ${this.#itemsMax} were waiting to be read.`));
    }
    this.#items.push(item);
  }

  /** What is held is still read; then it throws `error`, or is done. */
  end(error?: MillraceError): void {
    if (this.#end !== undefined) return;
    this.#end = error ?? false;
    for (const reader of this.#waiting) {
      if (error === undefined) reader.resolve({ value: undefined, done: true });
      else reader.reject(error);
    }
    this.#waiting = [];
    this.#onEnd();
  }

  async next(): Promise<IteratorResult<T>> {
    const item = this.#items.shift();
    if (item !== undefined) return { value: item, done: false };
    if (this.#end === undefined) return new Promise((resolve, reject) => void this.#waiting.push({ resolve, reject }));
    const error = this.#end;
    // thrown once, like any iterator
    this.#end = false;
    if (error !== false) throw error;
    return { value: undefined, done: true };
  }

  async return(): Promise<IteratorResult<T>> {
    this.#items = [];
    this.end();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
