import type { Msg } from '@nats-io/transport-node';
import { ATTR } from '../../shared/telemetry/attributes.ts';
import type { Tracer } from '../../shared/telemetry/tracer.ts';
import { TRACEPARENT_HEADER } from './trace-headers.ts';

/** Answers a question of the edge, in the trace of whoever asked it. `work` is given the traceparent for what it asks itself. */
export async function answerTraced<T>(
  tracer: Tracer,
  message: Msg,
  work: (traceparent: string | undefined) => Promise<T>,
): Promise<T> {
  if (tracer.isOff) return await work(undefined);
  const span = tracer.child(`answer ${message.subject}`, message.headers?.get(TRACEPARENT_HEADER), {
    kind: 'server',
    attributes: { [ATTR.messagingSystem]: 'nats', [ATTR.messagingDestination]: message.subject },
  });
  try {
    return await work(span?.traceparent);
  } catch (error) {
    span?.fail('unavailable');
    throw error;
  } finally {
    span?.end();
  }
}
