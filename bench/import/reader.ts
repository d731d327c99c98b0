import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { ackLineOf } from '../../consumers/runtime/ack-line.ts';
import { JetStreamSource } from '../../consumers/runtime/jetstream-source.ts';
import type { Projection } from '../../consumers/runtime/projection.ts';
import { Runner } from '../../consumers/runtime/runner.ts';
import { RUNNER_BOUNDS } from '../../consumers/runtime/start-read-model.ts';
import { addDurable, deleteDurable } from '../../consumers/runtime/streams.ts';
import { SEARCHED_TYPES } from '../../consumers/projections/search.ts';
import { EVENT_TYPES } from '../../shared/contract/event-schema.ts';

/** A read model that stores nothing: what pulling, parsing and acknowledging alone can give a store. */

const DURABLE = 'bench-reader';
const BATCHES_AT_ONCE = 2;

export async function readAll(role: string, natsServers: string[], eventsMax: number): Promise<{ events: number; ms: number }> {
  const connection = await connect({ servers: natsServers, noAsyncTraces: true });
  const manager = await jetstreamManager(connection);
  let events = 0;
  let beganAt = 0;
  let end = (): void => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const projection: Projection = {
    name: DURABLE,
    types: role === 'search' ? SEARCHED_TYPES : EVENT_TYPES,
    batchesAtOnce: BATCHES_AT_ONCE,
    async handle(batch) {
      if (beganAt === 0) beganAt = performance.now();
      events += batch.length;
      if (events >= eventsMax) end();
      return await Promise.resolve(batch.map(() => ({ kind: 'ok' })));
    },
    healthy: async () => await Promise.resolve(true),
  };
  await deleteDurable(manager, DURABLE);
  await addDurable(manager, DURABLE, { fromSeq: 1 });
  const runner = new Runner(
    {
      projection,
      source: new JetStreamSource(jetstream(connection), DURABLE),
      deadLetters: { store: async () => await Promise.reject(new Error('an event of the bench is no event')) },
      line: ackLineOf(connection, () => {}),
      ensure: async () => await Promise.resolve(),
      log: () => {},
    },
    RUNNER_BOUNDS,
  );
  runner.start();
  await ended;
  const ms = performance.now() - beganAt;
  await runner.stop();
  await deleteDurable(manager, DURABLE);
  await connection.close();
  return { events, ms };
}
