import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { ensureStreams } from '../../consumers/runtime/streams.ts';
import { PUBLISH_BATCH_EVENTS_MAX } from '../../shared/core/limits.ts';
import { HttpClient } from '../load/http-client.ts';
import { runGenerator, settle, startServer } from '../processes.ts';
import { median } from '../stats.ts';
import { atLeast, type Verdict } from '../targets.ts';
import { spreadOf, textTable } from '../text-table.ts';
import type { RawPublishJob, RawPublishResult } from './raw-publisher.ts';

/** issue 10 */
const OF_RAW_MIN = 0.8;
const QUICK_ROUNDS = 5;
const LONG_ROUNDS = 9;
/** Sessions that publish at a time, each a batch of its own */
const LANES = 4;
const PAYLOAD_BYTES = 600;
const STREAM_BYTES = 8 * 1024 ** 3;
const EVENTS_QUICK = 20_480;
const EVENTS_LONG = 102_400;

/** One Uplink beside the client that publishes the same by itself, as many at a time. */
export async function runPublish(options: { quick: boolean; rounds?: number }): Promise<{ raw: unknown; verdicts: Verdict[] }> {
  console.log('\npublish: starting the edge and NATS …');
  const server = await startServer('servers/millrace.ts', ['--without-consumers', '--publishing']);
  const { url, nats = '', pids } = server.announcement;
  const http = new HttpClient(url, 1);
  try {
    const connection = await connect({ servers: nats });
    await ensureStreams(await jetstreamManager(connection), { eventsMaxBytes: STREAM_BYTES }, () => {});
    await connection.close();
    const events = options.quick ? EVENTS_QUICK : EVENTS_LONG;
    const rounds = options.rounds ?? (options.quick ? QUICK_ROUNDS : LONG_ROUNDS);
    const uplink: number[] = [];
    const raw: number[] = [];
    // the first round warms up
    for (let round = -1; round < rounds; round += 1) {
      const job: RawPublishJob = { nats, events, payloadBytes: PAYLOAD_BYTES, inFlight: LANES * PUBLISH_BATCH_EVENTS_MAX };
      const { eventsPerS } = await runGenerator<RawPublishResult>('pipeline/raw-publisher.ts', job);
      await settle(pids.all);
      const ours = await byUplink(http, `r${round + 1}`, events);
      await settle(pids.all);
      if (round < 0) continue;
      raw.push(eventsPerS);
      uplink.push(ours);
    }
    const ratio = median(uplink) / median(raw);
    const rows = [
      ['publishing with acknowledgements', 'events/s'],
      ['one Uplink, called by Sessions', spreadOf(uplink, 0)],
      ['@nats-io/jetstream alone, in Node', spreadOf(raw, 0)],
    ];
    console.log(`\n${textTable(rows)}

Medians, the least and the most in parentheses, by turns; ${LANES * PUBLISH_BATCH_EVENTS_MAX} under way, ${PAYLOAD_BYTES} bytes each. The Uplink is in workerd, over a WebSocket; the
other is in Node, over TCP.`);
    return { raw: { uplink, raw }, verdicts: atLeast('events/s by an Uplink', ratio, OF_RAW_MIN, '× raw publishing with acks') };
  } finally {
    http.close();
    await server.stop();
  }
}

async function byUplink(http: HttpClient, run: string, events: number): Promise<number> {
  const batches = events / LANES / PUBLISH_BATCH_EVENTS_MAX;
  const startedAt = performance.now();
  const query = `lanes=${LANES}&batches=${batches}&items=${PUBLISH_BATCH_EVENTS_MAX}&bytes=${PAYLOAD_BYTES}&run=${run}`;
  const answer = await http.get(`/bench/publish?${query}`, '');
  if (answer.status !== 200) throw new Error(`the Uplink did not publish: ${answer.status} ${answer.body.slice(0, 400)}`);
  return (events * 1_000) / (performance.now() - startedAt);
}
