/**
 * The store could not take a batch now, and would not have taken any other: it is full, locked, read-only or not to be
 * reached. Adapters throw it where they know; the runtime then waits for the store, and no event is blamed.
 */
export class StoreUnavailable extends Error {
  constructor(why: string, options?: ErrorOptions) {
    super(why, options);
    this.name = 'StoreUnavailable';
  }
}
