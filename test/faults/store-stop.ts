import { setTimeout as sleep } from 'node:timers/promises';
import type { Verdict } from './judge.ts';
import { Ledger } from './ledger.ts';
import { Load } from './load.ts';
import { judged, seconds, settle, SETTLE_MS_MAX, type Settled, unlessCalledOff, untilReady } from './settle.ts';
import { startSystem } from './system.ts';

/** Cassandra stands still for a long while under load: nobody who sends or reads may notice, and all of it is there after. */

export interface StoreStopOptions {
  seed: number;
  stoppedMs: number;
  ledgerPath: string;
  say: (line: string) => void;
  calledOff: AbortSignal;
}

/** Milliseconds: of the 202s, and of reading one's own message back at once. */
export interface Latency {
  count: number;
  p50: number;
  p99: number;
  max: number;
}

export interface StoreStopReport extends Settled {
  verdict: Verdict;
  before: { answers: Latency; ownReads: Latency };
  during: { answers: Latency; ownReads: Latency };
  /** commands accepted while it stood still */
  acceptedDuring: number;
  /** from its going on until everything was persisted */
  drainS: number;
  tookS: number;
}

const SESSIONS = 12;
const USERS_EACH = 2;
const RATE = 60;
const BEFORE_MS = 10_000;

export async function storeStop(options: StoreStopOptions): Promise<StoreStopReport> {
  const startedMs = Date.now();
  const { seed, stoppedMs, ledgerPath, say, calledOff } = options;
  const system = await startSystem({ withCassandra: true });
  const { stack, cassandra } = system;
  const ledger = new Ledger(ledgerPath);
  const tokenFor = async (user: string): Promise<string> => await stack.token(user);
  const load = new Load({ url: stack.url, tokenFor, ledger, seed, sessions: SESSIONS, usersEach: USERS_EACH, rate: RATE });
  try {
    return await unlessCalledOff(calledOff, async () => {
      await untilReady(stack);
      await load.open();
      load.start();
      await sleep(BEFORE_MS);
      const before = latencies(load, 0, 0);
      const [answered, read] = [load.answerMs.length, load.readMs.length];
      signal(cassandra?.pid, 'SIGSTOP', ledger);
      say(`Cassandra stands still for ${stoppedMs / 1_000} s; until now ${describeLatency(before.answers)}`);
      try {
        await sleep(stoppedMs, undefined, { signal: calledOff });
      } finally {
        signal(cassandra?.pid, 'SIGCONT', ledger);
      }
      const goesOnMs = Date.now();
      const during = latencies(load, answered, read);
      const acceptedDuring = load.answerMs.length - answered;
      say(`it goes on; while it stood still ${describeLatency(during.answers)}`);
      await load.end(SETTLE_MS_MAX);
      const settled = await settle(stack, load, ledger, say);
      const drainS = Math.round((settled.lastPersistedMs - goesOnMs) / 100) / 10;
      await load.close();
      await ledger.close();
      return { ...settled, verdict: await judged(ledgerPath), before, during, acceptedDuring, drainS, tookS: seconds(startedMs) };
    });
  } finally {
    await load.close();
    await system.stop();
  }
}

function signal(pid: number | undefined, name: NodeJS.Signals, ledger: Ledger): void {
  if (pid === undefined) throw new Error('Cassandra does not run');
  ledger.write({ kind: 'fault', name: 'pause cassandra', step: name === 'SIGSTOP' ? 'begins' : 'ends' });
  process.kill(pid, name);
}

function latencies(load: Load, fromAnswer: number, fromRead: number): { answers: Latency; ownReads: Latency } {
  return { answers: latencyOf(load.answerMs.slice(fromAnswer)), ownReads: latencyOf(load.readMs.slice(fromRead)) };
}

function latencyOf(tookMs: readonly number[]): Latency {
  const rising = tookMs.toSorted((a, b) => a - b);
  const at = (share: number): number => Math.round((rising[Math.floor((rising.length - 1) * share)] ?? 0) * 10) / 10;
  return { count: rising.length, p50: at(0.5), p99: at(0.99), max: at(1) };
}

export function describeLatency({ count, p50, p99, max }: Latency): string {
  return `${count} in ${p50} ms at the median, ${p99} ms at p99, ${max} ms at most`;
}
