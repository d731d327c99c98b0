import { setTimeout as sleep } from 'node:timers/promises';
import { EVENTS_STREAM } from '../../shared/contract/subjects.ts';
import { until } from '../support/client.ts';
import { NatsCluster } from '../support/nats-cluster.ts';
import { startStack } from '../support/stack.ts';
import type { Verdict } from './judge.ts';
import { Ledger } from './ledger.ts';
import { Load } from './load.ts';
import { judged, seconds, settle, SETTLE_MS_MAX, type Settled, unlessCalledOff, untilReady } from './settle.ts';
import { NO_LIMITS } from './system.ts';

/** Three NATS servers with three copies: the one that leads the stream of events is killed under load, again and again. */

export interface NatsLeaderOptions {
  seed: number;
  kills: number;
  ledgerPath: string;
  say: (line: string) => void;
  calledOff: AbortSignal;
}

export interface NatsLeaderReport extends Settled {
  verdict: Verdict;
  /** from each kill until another leads */
  withoutLeaderMs: number[];
  tookS: number;
}

const SESSIONS = 8;
const USERS_EACH = 2;
const RATE = 120;
const ELECTED_MS_MAX = 60_000;
const CURRENT_MS_MAX = 60_000;
/** load with two of three, and with all of them */
const WITHOUT_MS = 1_500;
const WITH_MS = 1_000;
/** what the defaults would reserve on each of the three is more than small disks have */
const STREAM_BYTES = String(256 * 1024 ** 2);

export async function natsLeader(options: NatsLeaderOptions): Promise<NatsLeaderReport> {
  const startedMs = Date.now();
  const { seed, ledgerPath, say, calledOff } = options;
  const cluster = new NatsCluster();
  const ledger = new Ledger(ledgerPath);
  const closes: (() => Promise<void>)[] = [async () => await cluster.stop()];
  try {
    return await unlessCalledOff(calledOff, async () => {
      await cluster.start();
      const stack = await startStack({
        env: {
          ...NO_LIMITS,
          NATS_URL: cluster.url,
          NATS_WS_URL: cluster.webSocketUrl,
          EVENTS_REPLICAS: '3',
          EVENTS_MAX_BYTES: STREAM_BYTES,
          DEAD_LETTERS_MAX_BYTES: STREAM_BYTES,
          COMMANDS_MAX_BYTES: STREAM_BYTES,
        },
      });
      closes.unshift(async () => await stack.stop());
      await untilReady(stack);
      const tokenFor = async (user: string): Promise<string> => await stack.token(user);
      const load = new Load({ url: stack.url, tokenFor, ledger, seed, sessions: SESSIONS, usersEach: USERS_EACH, rate: RATE });
      closes.unshift(async () => await load.close());
      await load.open();
      load.start();
      const withoutLeaderMs = await killLeaders(cluster, ledger, options);
      await load.end(SETTLE_MS_MAX);
      const settled = await settle(stack, load, ledger, say);
      await load.close();
      await ledger.close();
      return { ...settled, verdict: await judged(ledgerPath), withoutLeaderMs, tookS: seconds(startedMs) };
    });
  } finally {
    for (const close of closes) await close();
  }
}

async function killLeaders(
  cluster: NatsCluster,
  ledger: Ledger,
  { kills, say, calledOff }: NatsLeaderOptions,
): Promise<number[]> {
  const withoutLeaderMs: number[] = [];
  while (withoutLeaderMs.length < kills && !calledOff.aborted) {
    await sleep(WITH_MS);
    const leader = await until('all copies are current', async () => await leaderOfThree(cluster), CURRENT_MS_MAX);
    const name = `kill ${leader}, which leads ${EVENTS_STREAM}`;
    ledger.write({ kind: 'fault', name, step: 'begins' });
    const killedMs = Date.now();
    await cluster.kill(leader);
    const other = async (): Promise<string | undefined> => {
      const next = (await cluster.stream(EVENTS_STREAM))?.cluster?.leader;
      return next === undefined || next === '' || next === leader ? undefined : next;
    };
    const next = await until('another leads', other, ELECTED_MS_MAX);
    withoutLeaderMs.push(Date.now() - killedMs);
    say(`${leader} killed, ${next} leads after ${withoutLeaderMs.at(-1)} ms`);
    await sleep(WITHOUT_MS);
    cluster.restart(leader);
    ledger.write({ kind: 'fault', name, step: 'ends' });
  }
  return withoutLeaderMs;
}

/** Killing a second one while the first still catches up would be another experiment: then nothing can be stored for a while. */
async function leaderOfThree(cluster: NatsCluster): Promise<string | undefined> {
  const { cluster: peers, config } = (await cluster.stream(EVENTS_STREAM)) ?? {};
  const isWhole = config?.num_replicas === 3 && peers?.replicas?.length === 2 && peers.replicas.every(({ current }) => current);
  return isWhole ? peers.leader : undefined;
}
