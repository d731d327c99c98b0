import { HttpClient } from '../../scripts/replay/client.ts';
import type { Stack } from '../support/stack.ts';
import { auditSessions } from './audit.ts';
import { Judge, type Verdict } from './judge.ts';
import { type Ledger, readLedger } from './ledger.ts';
import { readLetters } from './letters.ts';
import type { Load } from './load.ts';
import { awaitPersisted, readBack } from './read-back.ts';
import { compareReadModels } from './read-models.ts';

/** What comes after all faults: everything is well again, is read, and is judged. */

const READY_MS_MAX = 90_000;
/** nothing became persisted for so long: then it never will */
const PERSIST_PATIENCE_MS = 240_000;
/** commands under way are answered, and sockets have what there is, within this */
export const SETTLE_MS_MAX = 120_000;
const COMPARE_PATIENCE_MS = 60_000;

export interface Settled {
  /** read models of the registry that no comparison is known for */
  uncompared: string[];
  /** until every command was known to be persisted */
  persistedS: number;
  /** epoch milliseconds at which the last one was, by its own account */
  lastPersistedMs: number;
}

/** Waits until all is well, reads everything that there is to read, and writes it down. */
export async function settle(
  stack: Pick<Stack, 'url' | 'nats' | 'dataDir' | 'settings' | 'secrets'>,
  load: Load,
  ledger: Ledger,
  say: (line: string) => void,
): Promise<Settled> {
  const startedMs = Date.now();
  await untilReady(stack);
  const { left, lastPersistedMs } = await awaitPersisted(load.events, ledger, PERSIST_PATIENCE_MS);
  const persistedS = seconds(startedMs);
  say(left === 0 ? `all ${load.events.length} commands are persisted` : `${left} commands are not persisted`);
  const logs = await readBack(load.sessions, (session) => load.reader(session), ledger);
  await load.socketsCaughtUp(new Map([...logs].map(([session, events]) => [session, events.length])), SETTLE_MS_MAX);
  const users = (session: string): ReturnType<Load['users']> => load.users(session);
  const uncompared = await compareReadModels({
    nats: stack.nats,
    dataDir: stack.dataDir,
    ledger,
    logs,
    users,
    patienceMs: COMPARE_PATIENCE_MS,
  });
  await readLetters(stack.nats, ledger);
  await auditSessions(stack, load.sessions, ledger, COMPARE_PATIENCE_MS);
  return { uncompared, persistedS, lastPersistedMs };
}

export async function untilReady({ url }: Pick<Stack, 'url'>): Promise<void> {
  const reply = await new HttpClient({ url, patienceMs: READY_MS_MAX }).insist('GET', '/readyz');
  if (reply.status !== 200) throw new Error(`not ready within ${READY_MS_MAX / 1_000} s: ${JSON.stringify(reply.body)}`);
}

/** Reads the ledger from its file, as anybody could who was not there. */
export async function judged(ledgerPath: string): Promise<Verdict> {
  const judge = new Judge();
  for await (const line of readLedger(ledgerPath)) judge.take(line);
  return judge.finish();
}

export function seconds(sinceMs: number): number {
  return Math.round((Date.now() - sinceMs) / 100) / 10;
}

/** Who asked for the work has gone. */
export class CalledOff extends Error {
  constructor() {
    super('called off');
    this.name = 'CalledOff';
  }
}

/** Does the work, or rejects as soon as it is called off: whoever asked for it then stops what was started. */
export async function unlessCalledOff<T>(calledOff: AbortSignal, work: () => Promise<T>): Promise<T> {
  const off = new Promise<never>((_, reject) => {
    const end = (): void => reject(new CalledOff());
    if (calledOff.aborted) end();
    else calledOff.addEventListener('abort', end, { once: true });
  });
  return await Promise.race([work(), off]);
}
