import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { FeedStopped } from '../runtime/archive-feed.ts';
import { RebuildRefused } from '../runtime/rebuild.ts';
import type { RebuildRun } from './rebuild-desk.ts';
import { GO, rebuildSaid, type RebuildSaid } from './rebuild-words.ts';

const PROGRAM = fileURLToPath(new URL('rebuild-process.ts', import.meta.url));

/** Runs a rebuild in a process of its own, with our environment; resolves and rejects as one in this process would. */
export async function rebuildInChild(
  name: string,
  { begun, report, signal }: RebuildRun,
  env: NodeJS.ProcessEnv = process.env,
): Promise<number> {
  if (signal.aborted) throw new FeedStopped();
  const child = fork(PROGRAM, [name], { env, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const end = (): void => void child.kill('SIGTERM');
  signal.addEventListener('abort', end);
  let last: RebuildSaid | undefined;
  let failure: unknown;
  child.on('message', (message) => {
    const said = rebuildSaid.safeParse(message).data;
    if (said === undefined) return;
    last = said;
    if (said.kind === 'progress') report(said);
    if (said.kind !== 'claimed') return;
    begun().then(
      () => child.connected && child.send(GO),
      (error: unknown) => {
        failure = error;
        end();
      },
    );
  });
  try {
    await new Promise<void>((resolve, reject) => {
      child.on('error', reject);
      // after its last word was taken
      child.on('close', () => resolve());
    });
  } finally {
    signal.removeEventListener('abort', end);
  }
  if (failure !== undefined) throw failure;
  if (last?.kind === 'serves') return last.events;
  if (last?.kind === 'refused') throw new RebuildRefused(last.why);
  if (last?.kind === 'cancelled') throw new FeedStopped();
  throw new Error('the process of the rebuild ended without a word');
}
