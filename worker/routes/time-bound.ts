/** Thrown when a wait reached its bound; what was waited for may still happen. */
export class TimedOut extends Error {}

/** Waits no longer than `ms`. The work itself cannot be called back, so a failure after the bound is heard and dropped. */
export async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const bound = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TimedOut(`took longer than ${ms} ms`)), ms);
  });
  work.catch(() => undefined);
  try {
    return await Promise.race([work, bound]);
  } finally {
    clearTimeout(timer);
  }
}
