export type Listener<T> = (value: T) => void;

/** Listeners of one thing. One that throws takes nothing from the others; its error surfaces by itself. */
export class Emitter<T> {
  readonly #listeners = new Set<Listener<T>>();

  get size(): number {
    return this.#listeners.size;
  }

  on(listener: Listener<T>): () => void {
    // the same function twice is two subscriptions
    const own: Listener<T> = (value) => listener(value);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  emit(value: T): void {
    for (const listener of this.#listeners) {
      try {
        listener(value);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
