import { READ_MODELS } from '../read-models.ts';
import { FeedStopped } from '../runtime/archive-feed.ts';
import { within } from '../runtime/backoff.ts';
import { connectForever } from '../runtime/connection.ts';
import { describe, jsonLog } from '../runtime/log.ts';
import { RebuildRefused } from '../runtime/rebuild.ts';
import { platformOf } from '../runtime/start-read-model.ts';
import { rebuildReadModel } from '../runtime/start-rebuild.ts';
import { settingsFrom } from '../settings.ts';
import { GO, type RebuildSaid } from './rebuild-words.ts';

/**
 * A rebuild that an operator asked for, in a process of its own: an embedded store writes on the thread that it is called on, and
 * whoever answers operators and queries must not wait for that. Ends with who started it.
 */

const PROGRESS_EVERY_MS = 500;
const CLOSE_MS_MAX = 2_000;
/** once told to end; what is left then goes when it counts as dead */
const END_MS_MAX = 6_000;

const log = jsonLog((line) => process.stdout.write(line));

function say(word: RebuildSaid): void {
  // who started us may be gone: then there is nobody to tell
  if (process.connected) process.send?.(word);
}

/** Resolves with the first GO; rejects when the signal aborts first. */
async function go(signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    process.on('message', (word) => {
      if (word === GO) resolve();
    });
    signal.addEventListener('abort', () => reject(new FeedStopped()));
    say({ kind: 'claimed' });
  });
}

async function main(name: string): Promise<void> {
  const ending = new AbortController();
  const end = (): void => {
    ending.abort();
    setTimeout(() => process.exit(1), END_MS_MAX).unref();
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, end);
  process.on('disconnect', end);
  const model = READ_MODELS.find((each) => each.name === name);
  if (model === undefined) throw new Error(`there is no read model ${name}`);
  const settings = settingsFrom(process.env);
  const connection = await connectForever(settings, log, ending.signal);
  if (connection === undefined) throw new FeedStopped();
  let saidMs = 0;
  let phase = '';
  try {
    const events = await rebuildReadModel(model, await platformOf(connection, settings, log), {
      signal: ending.signal,
      begun: async () => await go(ending.signal),
      report(progress) {
        if (progress.phase === phase && Date.now() - saidMs < PROGRESS_EVERY_MS) return;
        ({ phase } = progress);
        saidMs = Date.now();
        say({ kind: 'progress', ...progress });
      },
    });
    say({ kind: 'serves', events });
  } finally {
    await within(CLOSE_MS_MAX, 'closing', connection.drain()).catch(() => undefined);
  }
}

try {
  await main(process.argv[2] ?? '');
} catch (error) {
  if (error instanceof RebuildRefused) say({ kind: 'refused', why: error.message });
  else if (error instanceof FeedStopped) say({ kind: 'cancelled' });
  else log('error', 'a rebuild failed', { consumer: process.argv[2], error: describe(error) });
  process.exitCode = 1;
}
// what was said is on its way once the channel is closed; a call to a store that does not answer would hold the process
if (process.connected) process.disconnect();
setTimeout(() => process.exit(), CLOSE_MS_MAX).unref();
