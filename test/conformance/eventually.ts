import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 15;
const WITHIN_MS_DEFAULT = 30_000;

/** Asks until the answer is neither undefined nor false, and returns it. Throws, naming `what`, when it is not so within the bound. */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T | undefined | false> | T | undefined | false,
  withinMs = WITHIN_MS_DEFAULT,
  pollMs = POLL_MS,
): Promise<T> {
  const deadlineMs = Date.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (Date.now() > deadlineMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await sleep(pollMs);
  }
}
