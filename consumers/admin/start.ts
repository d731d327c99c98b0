import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Log } from '../runtime/log.ts';
import { PAYLOAD_BYTES_DEFAULT } from '../runtime/start-read-model.ts';
import { ensureStreams, type StreamSettings } from '../runtime/streams.ts';
import { jetStreamLetterBox } from './letter-box.ts';
import { letterPage } from './letter-page.ts';
import { startAdminResponder } from './responder.ts';

/** of one call to JetStream: several fit into the time of an answer */
const STREAM_CALL_MS_MAX = 1_000;

/** Starts answering operators. Rejects when the streams cannot be made. */
export async function startAdmin(connection: NatsConnection, settings: StreamSettings, log: Log): Promise<() => Promise<void>> {
  const manager = await jetstreamManager(connection, { timeout: STREAM_CALL_MS_MAX });
  await ensureStreams(manager, settings, log);
  const box = jetStreamLetterBox(jetstream(connection), manager);
  const responder = startAdminResponder(
    connection,
    { 'deadLetters.list': async (request, deadline) => await letterPage(box, request, deadline) },
    connection.info?.max_payload ?? PAYLOAD_BYTES_DEFAULT,
    log,
  );
  return async () => await responder.stop();
}
