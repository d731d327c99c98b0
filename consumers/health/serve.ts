import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { PartsAnswer } from '../../shared/contract/internal.ts';
import { HEALTH_SUBJECT, STREAMS } from '../../shared/contract/subjects.ts';
import { CONSUMERS } from '../durables.ts';
import { takePulse } from '../pulse/pulse.ts';
import { startResponder } from '../query/responder.ts';
import { READ_MODELS } from '../read-models.ts';
import type { Log } from '../runtime/log.ts';
import { sharedLook } from '../runtime/shared-look.ts';
import { PartsWatch, type Parts } from './parts.ts';

const CALL_MS_MAX = 1_000;
/** what was seen holds for so long, however often somebody asks; what is not ready for less, so that a start is not seen late */
const READY_HOLDS_MS = 3_000;
const UNREADY_HOLDS_MS = 500;
/** no read model, and yet nobody is answered without it */
const QUERY = 'query';

/** Looks at all parts behind the edge, for as many askers as there are. */
export async function partsLook(connection: NatsConnection): Promise<() => Promise<Parts>> {
  // not checked here: it is asked while JetStream is away too
  const manager = await jetstreamManager(connection, { checkAPI: false, timeout: CALL_MS_MAX });
  const watch = new PartsWatch({
    manager,
    streams: STREAMS,
    durables: CONSUMERS,
    workers: [...CONSUMERS.map(({ name }) => name), QUERY],
    stores: READ_MODELS.map(({ name }) => name),
    pulse: async () => await takePulse(connection),
    now: Date.now,
  });
  const isReady = (parts: Parts): boolean => Object.values(parts).every((status) => status === 'ok');
  return sharedLook(
    async () => await watch.look(),
    (parts) => (isReady(parts) ? READY_HOLDS_MS : UNREADY_HOLDS_MS),
    Date.now,
  );
}

/** Answers the edge's question after the parts behind it, in every process: as one of any number. Returns what stops it. */
export async function serveParts(connection: NatsConnection, log: Log): Promise<() => Promise<void>> {
  const look = await partsLook(connection);
  const answer = async (): Promise<PartsAnswer> => ({ ok: true, op: 'parts', parts: await look() });
  const responder = startResponder(connection, { subject: HEALTH_SUBJECT, store: 'state of the parts', answer }, log);
  return async () => await responder.stop();
}
