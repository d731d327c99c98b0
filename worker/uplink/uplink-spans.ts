import { EVENTS_STREAM } from '../../shared/contract/subjects.ts';
import { ATTR } from '../../shared/telemetry/attributes.ts';
import type { Span, Tracer } from '../../shared/telemetry/tracer.ts';
import type { PublishItem, PublishOutcome, RequestOutcome } from './api.ts';

/** One span per event whose trace is recorded, from the hand-over to JetStream's acknowledgement. */
export async function publishTraced(
  tracer: Tracer,
  items: readonly PublishItem[],
  publish: () => Promise<PublishOutcome>,
): Promise<PublishOutcome> {
  if (tracer.isOff) return await publish();
  const spans = items.flatMap((item, index) => {
    if (item.traceparent === undefined) return [];
    const span = tracer.child(`send ${EVENTS_STREAM}`, item.traceparent, {
      kind: 'producer',
      attributes: {
        [ATTR.messagingSystem]: 'nats',
        [ATTR.messagingOperationType]: 'send',
        [ATTR.messagingOperationName]: 'publish',
        [ATTR.messagingDestination]: EVENTS_STREAM,
        [ATTR.messagingDestinationTemplate]: 'millrace.events.{tenant}.{type}.{session}',
        [ATTR.messagingMessageId]: item.id,
        [ATTR.messagingBatchCount]: items.length,
      },
    });
    return span === undefined ? [] : [{ index, span }];
  });
  const outcome = await publish();
  for (const { index, span } of spans) end(span, index, outcome);
  return outcome;
}

function end(span: Span, index: number, { acked }: PublishOutcome): void {
  // it is published again later, with a span of its own
  if (index >= acked) span.fail('unacknowledged');
  span.end();
}

/** A question over NATS, in the trace of whoever asks. */
export async function requestTraced(
  tracer: Tracer,
  subject: string,
  traceparent: string | undefined,
  ask: (carried: string | undefined) => Promise<RequestOutcome>,
): Promise<RequestOutcome> {
  if (tracer.isOff || traceparent === undefined) return await ask(undefined);
  const span = tracer.child(`request ${subject}`, traceparent, {
    kind: 'client',
    attributes: {
      [ATTR.messagingSystem]: 'nats',
      [ATTR.messagingOperationType]: 'send',
      [ATTR.messagingOperationName]: 'request',
      [ATTR.messagingDestination]: subject,
    },
  });
  const outcome = await ask(span?.traceparent);
  if (!outcome.ok) span?.fail('unanswered');
  span?.end();
  return outcome;
}
