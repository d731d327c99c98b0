import { randomUUID } from 'node:crypto';
import { jetstream } from '@nats-io/jetstream';
import { connect, headers } from '@nats-io/transport-node';
import { eachInFlight } from '../../consumers/stores/history/in-flight.ts';
import { CLOUDEVENTS_CONTENT_TYPE, eventSubject } from '../../shared/contract/subjects.ts';
import { runAsGenerator } from '../load/as-generator.ts';

/** Publishes by the client alone, acknowledgements and all: a process of its own. */

const TIMEOUT_MS = 30_000;

export interface RawPublishJob {
  nats: string;
  events: number;
  payloadBytes: number;
  inFlight: number;
}

export interface RawPublishResult {
  eventsPerS: number;
}

async function run(job: RawPublishJob): Promise<RawPublishResult> {
  const connection = await connect({ servers: job.nats, reconnect: false });
  try {
    const stream = jetstream(connection);
    const payload = JSON.stringify({ filler: 'x'.repeat(job.payloadBytes) });
    const session = randomUUID();
    const publish = async (number: number): Promise<void> => {
      const head = headers();
      head.set('Content-Type', CLOUDEVENTS_CONTENT_TYPE);
      const options = { msgID: `${session}-${number}`, headers: head, timeout: TIMEOUT_MS };
      await stream.publish(eventSubject('default', 'message.created', session), payload, options);
    };
    const startedAt = performance.now();
    await eachInFlight(
      Array.from({ length: job.events }, (_, number) => number),
      job.inFlight,
      publish,
    );
    return { eventsPerS: (job.events * 1_000) / (performance.now() - startedAt) };
  } finally {
    await connection.close();
  }
}

runAsGenerator(run);
