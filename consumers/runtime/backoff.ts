import { SYSTEM_TIME, type Time } from './time.ts';

export interface BackoffBounds {
  minMs: number;
  maxMs: number;
}

/** Doubles from minMs to maxMs with the attempt (from 1); `random` in 0…1 takes up to a quarter off, so that many do not come at once. */
export function backoffMs(attempt: number, { minMs, maxMs }: BackoffBounds, random: number): number {
  const exponent = Math.min(Math.max(attempt, 1) - 1, 30);
  const full = Math.min(maxMs, minMs * 2 ** exponent);
  return Math.round(full * (1 - random / 4));
}

/** Waits, or less when the signal aborts. Never rejects. */
export async function wait(ms: number, signal?: AbortSignal, time: Time = SYSTEM_TIME): Promise<void> {
  if (signal?.aborted === true) return;
  await new Promise<void>((resolve) => {
    const finish = (): void => {
      cancel();
      signal?.removeEventListener('abort', finish);
      resolve();
    };
    const cancel = time.after(ms, finish);
    signal?.addEventListener('abort', finish);
  });
}

export class DeadlineError extends Error {
  constructor(what: string, ms: number) {
    super(`${what} took longer than ${ms} ms`);
    this.name = 'DeadlineError';
  }
}

/** Rejects with a DeadlineError when the promise is not settled in time; the work itself goes on. */
export async function within<T>(ms: number, what: string, work: Promise<T>, time: Time = SYSTEM_TIME): Promise<T> {
  let cancel = (): void => {};
  const late = new Promise<never>((_resolve, reject) => {
    cancel = time.after(ms, () => reject(new DeadlineError(what, ms)));
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    cancel();
  }
}
