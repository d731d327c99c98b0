import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { setTimeout as sleep } from 'node:timers/promises';
import { EVENTS_STREAM } from '../../shared/contract/subjects.ts';
import type { CommandJob, CommandResult } from '../accept/job.ts';
import { runGenerator, startServer, type RunningServer } from '../processes.ts';
import { median } from '../stats.ts';
import { atMost, type Verdict } from '../targets.ts';

/** issue 10 */
const DRAIN_OF_BURST_MAX = 2;
/** what the backlog may grow by from the middle third of the time to the last, in seconds of what comes */
const GROWTH_S_MAX = 0.5;
const SESSIONS = 100;
const IN_FLIGHT = 64;
const LOOK_MS = 200;
const DRAIN_MS_MAX = 180_000;

interface Look {
  atMs: number;
  /** events that history has stored and acknowledged */
  stored: number;
}

/** Does what is accepted get stored as fast? A burst at full speed, and then half of that for longer. */
export async function runLag(options: { quick: boolean; with?: string }): Promise<{ raw: unknown; verdicts: Verdict[] }> {
  const store = options.with === 'cassandra' ? 'Cassandra' : 'the embedded store';
  console.log(`\nlag: starting Millrace with ${store} …`);
  const server = await startServer('servers/millrace.ts', options.with === 'cassandra' ? ['--with-cassandra'] : []);
  const connection = await connect({ servers: server.announcement.nats ?? '' });
  try {
    const manager = await jetstreamManager(connection);
    const burstMs = options.quick ? 4_000 : 15_000;
    const burst = await load(server, manager, { prefix: 'burst', creates: true, warmupMs: 0, measureMs: burstMs });
    const drainedMs = await drained(manager, burst.accepted);
    const perS = burst.result.acceptedPerS / 2;
    const half = { prefix: 'burst', creates: false, warmupMs: 0, measureMs: burstMs * 3, perS };
    const steady = await load(server, manager, half, burst.accepted);
    const backlog = (fromShare: number, toShare: number): number => {
      const part = steady.backlogs.filter(({ share }) => share >= fromShare && share < toShare).map(({ events }) => events);
      return part.length === 0 ? 0 : median(part);
    };
    const growthS = (backlog(2 / 3, 1) - backlog(1 / 3, 2 / 3)) / perS;
    const drainOfBurst = drainedMs / burstMs;
    console.log(`
${store}: at full speed ${burst.result.acceptedPerS.toFixed(0)} messages/s were accepted over ${SESSIONS} sessions for ${burstMs / 1_000} s; all of them were stored
${(drainedMs / 1_000).toFixed(1)} s after the last (history's acknowledgements). At half of that, ${perS.toFixed(0)}/s for ${(burstMs * 3) / 1_000} s, ${backlog(1 / 3, 2 / 3).toFixed(0)} events waited in the middle
third of the time and ${backlog(2 / 3, 1).toFixed(0)} in the last.`);
    return {
      raw: { burst, drainedMs, steady },
      verdicts: [
        ...atMost('draining after a burst at full speed', drainOfBurst, DRAIN_OF_BURST_MAX, '× the burst'),
        ...atMost('growth of the lag at half the maximum', growthS, GROWTH_S_MAX, 's of what comes'),
      ],
    };
  } finally {
    await connection.close();
    await server.stop();
  }
}

type Loading = Pick<CommandJob, 'prefix' | 'creates' | 'warmupMs' | 'measureMs' | 'perS'>;

/** Runs the generator and looks at the durable meanwhile. `before`: events that were there. */
async function load(server: RunningServer, manager: JetStreamManager, loading: Loading, before = 0) {
  const { url, jwtSecret = '' } = server.announcement;
  const job: CommandJob = { ...loading, url, jwtSecret, sessions: SESSIONS, inFlight: IN_FLIGHT };
  const startedAt = performance.now();
  const running = runGenerator<CommandResult>('accept/generator.ts', job);
  const looks: Look[] = [];
  const over = new AbortController();
  const watching = (async () => {
    while (!over.signal.aborted) {
      looks.push({ atMs: performance.now() - startedAt, stored: await stored(manager) });
      await sleep(LOOK_MS);
    }
  })();
  try {
    const result = await running;
    const accepted = before + result.accepted + (loading.creates ? SESSIONS : 0);
    // what had been accepted at a look, on a fixed schedule
    const perMs = (loading.perS ?? 0) / 1_000;
    const backlogs = looks.map(({ atMs, stored: done }) => ({
      share: atMs / loading.measureMs,
      events: Math.max(0, before + Math.min(atMs * perMs, result.accepted) - done),
    }));
    return { result, accepted, backlogs };
  } finally {
    over.abort();
    await watching;
  }
}

/** Every event is of history: what it has acknowledged without a hole is what is stored. */
async function stored(manager: JetStreamManager): Promise<number> {
  const info = await manager.consumers.info(EVENTS_STREAM, 'history');
  return info.num_pending + info.num_ack_pending === 0 ? info.delivered.stream_seq : info.ack_floor.stream_seq;
}

async function drained(manager: JetStreamManager, accepted: number): Promise<number> {
  const startedAt = performance.now();
  while ((await stored(manager)) < accepted) {
    if (performance.now() - startedAt > DRAIN_MS_MAX)
      throw new Error(`${await stored(manager)} of ${accepted} events are stored`);
    await sleep(LOOK_MS / 4);
  }
  return performance.now() - startedAt;
}
