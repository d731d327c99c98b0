import { Emitter } from '../emitter.ts';
import type { Cancel, Environment } from '../environment.ts';
import { asMillraceError, type MillraceError } from '../error.ts';

export interface PollOptions {
  /** from one answer to the next question; a failure waits as long, or as the server said */
  everyMs: number;
}

/** The last answer stays while it cannot be read anew: then `error` says why, and `atMs` how old it is. */
export interface PollSnapshot<T> {
  value: T | undefined;
  /** epoch ms of when `value` came */
  atMs: number | undefined;
  error: MillraceError | undefined;
  isLoading: boolean;
}

export const EMPTY_POLL: PollSnapshot<never> = { value: undefined, atMs: undefined, error: undefined, isLoading: true };

/**
 * Something that is read again and again while somebody holds it open: one question at a time, none while the page is offline, and
 * at once when it is back.
 */
export class Poll<T> {
  readonly #environment: Environment;
  readonly #read: (signal: AbortSignal) => Promise<T>;
  readonly #everyMs: number;
  readonly #changed = new Emitter<void>();
  #snapshot: PollSnapshot<T> = EMPTY_POLL;
  #holders = 0;
  #cancelNext: Cancel = () => {};
  #forgetSigns: Cancel = () => {};
  #running: AbortController | undefined;

  constructor(environment: Environment, read: (signal: AbortSignal) => Promise<T>, options: PollOptions) {
    this.#environment = environment;
    this.#read = read;
    this.#everyMs = options.everyMs;
  }

  readonly getSnapshot = (): PollSnapshot<T> => this.#snapshot;

  readonly subscribe = (listener: () => void): (() => void) => this.#changed.on(listener);

  open(): () => void {
    this.#holders += 1;
    if (this.#holders === 1) {
      this.#forgetSigns = this.#environment.signsOfLife.subscribe((sign) => {
        if (sign !== 'offline') this.refresh();
      });
      this.refresh();
    }
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#holders -= 1;
      if (this.#holders > 0) return;
      this.#forgetSigns();
      this.#cancelNext();
      this.#running?.abort();
      this.#running = undefined;
    };
  }

  /** Reads now: after something was done, the old answer is known to be wrong. A question under way is given up for a new one. */
  refresh(): void {
    if (this.#holders === 0) return;
    this.#cancelNext();
    this.#running?.abort();
    void this.#ask();
  }

  async #ask(): Promise<void> {
    const running = new AbortController();
    this.#running = running;
    this.#show({ ...this.#snapshot, isLoading: true });
    let next: PollSnapshot<T>;
    try {
      const value = await this.#read(running.signal);
      next = { value, atMs: this.#environment.now(), error: undefined, isLoading: false };
    } catch (error) {
      next = { ...this.#snapshot, error: asMillraceError(error), isLoading: false };
    }
    // given up meanwhile: another asks, or nobody
    if (this.#running !== running) return;
    this.#running = undefined;
    const waitMs = Math.max(this.#everyMs, next.error?.retryAfterMs ?? 0);
    this.#cancelNext = this.#environment.after(waitMs, () => void this.#ask());
    this.#show(next);
  }

  #show(snapshot: PollSnapshot<T>): void {
    this.#snapshot = snapshot;
    this.#changed.emit();
  }
}
