import {
  AckPolicy,
  DeliverPolicy,
  type ConsumerConfig,
  type JetStreamClient,
  type JetStreamManager,
  type JsMsg,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';

/** messages of one pull, which may be in memory at once: the largest is some hundreds of kilobytes */
const PULL_MESSAGES_MAX = 100;
/** a pull that brings nothing for so long has ended: the server is away, or what waited was purged meanwhile */
const PULL_MS = 5_000;
/** should we die, the server forgets the reader after this */
const INACTIVE_MS = 30_000;

export interface JetStream {
  client: JetStreamClient;
  manager: JetStreamManager;
}

/**
 * Every message that the stream holds when this begins, in its order, with a reader of its own that disturbs nobody. Rejects
 * when the server goes away meanwhile.
 */
export async function readStream(
  { client, manager }: JetStream,
  stream: string,
  wanted: Partial<ConsumerConfig>,
  take: (message: JsMsg) => void | Promise<void>,
): Promise<void> {
  const reader = await manager.consumers.add(stream, {
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.All,
    mem_storage: true,
    num_replicas: 1,
    inactive_threshold: nanos(INACTIVE_MS),
    ...wanted,
  });
  try {
    const consumer = client.consumers.getConsumerFromInfo(reader);
    for (let waiting = reader.num_pending; waiting > 0;) {
      let came = 0;
      const messages = await consumer.fetch({ max_messages: Math.min(waiting, PULL_MESSAGES_MAX), expires: PULL_MS });
      for await (const message of messages) {
        came += 1;
        waiting = Math.min(waiting - 1, message.info.pending);
        await take(message);
      }
      if (came > 0 || waiting === 0) continue;
      // purged meanwhile, or away: the server itself says which
      waiting = Math.min(waiting, (await manager.consumers.info(stream, reader.name)).num_pending);
    }
  } finally {
    // nobody's business whether it is gone now or by itself
    manager.consumers.delete(stream, reader.name).catch(() => undefined);
  }
}
