import { backoffMs, wait, within } from './backoff.ts';
import type { DeadLetters } from './dead-letters.ts';
import { Guard } from './guard-loop.ts';
import { jetStreamLetters } from './letters.ts';
import { dropLeftoversRegularly } from './leftovers.ts';
import { describe } from './log.ts';
import type { Projection } from './projection.ts';
import type { Platform, ReadModel } from './read-model.ts';
import { jetStreamLook } from './stream-look.ts';
import { nameOfWorker } from './worker-name.ts';

/** Starts a read model's guard once the archive can be reached, which may be long after the read model takes events. */

const OPEN_BOUNDS = { minMs: 1_000, maxMs: 30_000 };
const STOP_MS_MAX = 10_000;

export interface GuardedParts {
  projection: Projection;
  deadLetters: DeadLetters;
  ensure: () => Promise<void>;
}

/** Answers what stops it, which never rejects. */
export function startGuard(model: ReadModel, platform: Platform, parts: GuardedParts): () => Promise<void> {
  const { connection, openArchive, log, manager, parse, time } = platform;
  if (openArchive === undefined) return async () => await Promise.resolve();
  const ending = new AbortController();
  const run = async (): Promise<void> => {
    const archive = await opened(openArchive, platform, ending.signal);
    if (archive === undefined) return;
    const guard = new Guard({
      ...parts,
      workerId: nameOfWorker(time),
      refill: model.refill ?? 'all',
      archive,
      look: platform.look ?? jetStreamLook(manager, () => connection.info),
      letters: jetStreamLetters(manager),
      parse,
      log,
      time,
    });
    guard.start();
    const serves = async (): Promise<boolean> => await parts.projection.healthy();
    const leftovers = dropLeftoversRegularly(model, platform, archive, serves, ending.signal);
    await aborted(ending.signal);
    await Promise.all([guard.stop(), leftovers]);
    await archive.close();
  };
  const running = run().catch((error: unknown) => log('error', 'nobody guards the read model', { error: describe(error) }));
  return async () => {
    ending.abort();
    await within(STOP_MS_MAX, 'stopping the guard', running, time).catch((error: unknown) =>
      log('warn', 'stopped in the middle of a replay', { error: describe(error) }),
    );
  };
}

async function opened<T>(open: () => Promise<T>, { log, time }: Platform, signal: AbortSignal): Promise<T | undefined> {
  for (let attempt = 1; !signal.aborted; attempt += 1) {
    try {
      return await open();
    } catch (error) {
      if (attempt === 1) log('warn', 'the guard waits for the archive', { error: describe(error) });
      await wait(backoffMs(attempt, OPEN_BOUNDS, time.random()), signal, time);
    }
  }
  return undefined;
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
