import type { Environment } from '../environment.ts';
import { MillraceError, type ClientErrorCode } from '../error.ts';

/** What comes of `result`, or a rejection with `code` when that takes longer. */
export async function within<T>(environment: Environment, ms: number, result: T | Promise<T>, code: ClientErrorCode): Promise<T> {
  let cancel = (): void => {};
  const late = new Promise<never>((_resolve, reject) => {
    cancel = environment.after(ms, () => reject(new MillraceError(code, 'No answer in time.')));
  });
  try {
    return await Promise.race([result, late]);
  } finally {
    cancel();
  }
}
