import { COMMANDS_STREAM } from '../../shared/contract/subjects.ts';
import { ATTR } from '../../shared/telemetry/attributes.ts';
import { writeTraces } from '../../shared/telemetry/trace-header.ts';
import { readTraceparent } from '../../shared/telemetry/traceparent.ts';
import type { Span, Tracer } from '../../shared/telemetry/tracer.ts';
import type { Incoming } from '../runtime/incoming.ts';
import { RELAY_DURABLE } from './relay.ts';

/** The span of a command of a backend, from the hand-over to its settlement: for one that names no trace, a trace begins here. */
export function beginSpan(tracer: Tracer | undefined, incoming: Incoming): Span | undefined {
  if (tracer === undefined || tracer.isOff) return undefined;
  return tracer.head(`process ${COMMANDS_STREAM}`, parentOf(incoming), {
    kind: 'consumer',
    attributes: {
      [ATTR.messagingSystem]: 'nats',
      [ATTR.messagingOperationType]: 'process',
      [ATTR.messagingOperationName]: 'process',
      [ATTR.messagingDestination]: COMMANDS_STREAM,
      [ATTR.messagingDestinationTemplate]: 'millrace.commands.{tenant}.{session}',
      [ATTR.messagingConsumerGroup]: RELAY_DURABLE,
      [ATTR.attempts]: incoming.deliveries,
      [ATTR.door]: 'nats',
    },
  });
}

/** What the edge is told beside the commands of a call, in their order. */
export function tracesOf(spans: readonly (Span | undefined)[]): string | undefined {
  return writeTraces(
    spans.flatMap((span, index) => (span === undefined ? [] : [{ index, seq: 0, traceparent: span.traceparent }])),
  );
}

/** The command's own, or that of the message: a letter that is redriven carries the one it was buried with. */
function parentOf({ data, headers }: Incoming): string | undefined {
  const ofMessage = headers.find(([name]) => name === 'traceparent')?.[1];
  return [ofPayload(data), ofMessage].find((each) => readTraceparent(each) !== undefined);
}

function ofPayload(data: Uint8Array): string | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(data));
    if (typeof value !== 'object' || value === null || !('traceparent' in value)) return undefined;
    return typeof value.traceparent === 'string' ? value.traceparent : undefined;
  } catch {
    // the edge says what is wrong with it
    return undefined;
  }
}
