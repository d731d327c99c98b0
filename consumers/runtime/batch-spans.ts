import { EVENTS_STREAM } from '../../shared/contract/subjects.ts';
import type { Event } from '../../shared/core/types.ts';
import { ATTR } from '../../shared/telemetry/attributes.ts';
import { isSampled } from '../../shared/telemetry/traceparent.ts';
import { NO_TRACER, type Attributes, type Span, type SpanOptions, type Tracer } from '../../shared/telemetry/tracer.ts';
import type { Incoming } from './incoming.ts';
import type { Projection } from './projection.ts';

interface Traced {
  incoming: Incoming;
  event: Event;
}

/**
 * The spans of a consumer. A batch has one of its own, linked to every trace in it; each event whose trace is recorded has one in
 * that trace, from the hand-over to the acknowledgement, and in it one for the write: so that a trace is whole by itself.
 */
export class BatchSpans {
  readonly #tracer: Tracer;
  readonly #projection: Projection;
  readonly #byMessage = new WeakMap<Incoming, Span>();

  constructor(tracer: Tracer = NO_TRACER, projection: Projection) {
    this.#tracer = tracer;
    this.#projection = projection;
  }

  /** Begins those of a batch. Returns what ends the batch's own. */
  begin(works: readonly Traced[]): () => void {
    const recorded = this.#tracer.isOff ? [] : works.filter(({ event }) => isSampled(event.traceparent));
    if (recorded.length === 0) return () => undefined;
    const { name } = this.#projection;
    const traces = recorded.flatMap(({ event: { traceparent } }) => traceparent ?? []);
    const batch = this.#tracer.linked(`process batch ${name}`, traces, {
      ...this.#processing({ [ATTR.messagingBatchCount]: works.length }),
    });
    const links = batch === undefined ? [] : [batch.traceparent];
    for (const { incoming, event } of recorded) {
      const span = this.#tracer.child(`process ${name}`, event.traceparent, {
        ...this.#processing(ofEvent(event, incoming.deliveries)),
        links,
      });
      if (span !== undefined) this.#byMessage.set(incoming, span);
    }
    return () => batch?.end();
  }

  /** Begins the spans of a write of these. Returns what ends them; a type of error says that it failed. */
  write(works: readonly Traced[]): (errorType?: string) => void {
    if (this.#tracer.isOff) return () => undefined;
    const spans = works.flatMap(({ incoming }) => {
      const span = this.#byMessage.get(incoming);
      return span === undefined ? [] : (this.#tracer.child(...writeOf(this.#projection, span.traceparent, works.length)) ?? []);
    });
    return (errorType) => endAll(spans, errorType);
  }

  /** The span of a dead letter on its way. Returns what ends it. */
  bury(incoming: Incoming): (errorType?: string) => void {
    const span = this.#byMessage.get(incoming);
    const sending = this.#tracer.child('send MILLRACE_DEAD_LETTERS', span?.traceparent, {
      kind: 'producer',
      attributes: {
        [ATTR.messagingSystem]: 'nats',
        [ATTR.messagingOperationType]: 'send',
        [ATTR.messagingOperationName]: 'publish',
        [ATTR.messagingDestination]: 'MILLRACE_DEAD_LETTERS',
      },
    });
    return (errorType) => endAll(sending === undefined ? [] : [sending], errorType);
  }

  /** what a message that fails is to carry along */
  traceparentOf(incoming: Incoming): string | undefined {
    return this.#byMessage.get(incoming)?.traceparent;
  }

  fail(incoming: Incoming, errorType: string): void {
    this.#byMessage.get(incoming)?.fail(errorType);
  }

  end(incoming: Incoming): void {
    this.#byMessage.get(incoming)?.end();
    this.#byMessage.delete(incoming);
  }

  /** Of a message that was buried unread: only now may its trace be looked for. */
  buriedUnread(incoming: Incoming, traceparent: string | undefined, reason: string, startMs: number): void {
    if (this.#byMessage.has(incoming)) return;
    const attributes = { [ATTR.attempts]: incoming.deliveries, [ATTR.deadLetterReason]: reason };
    const span = this.#tracer.child(`process ${this.#projection.name}`, traceparent, {
      ...this.#processing(attributes),
      startMs,
    });
    span?.fail(reason);
    span?.end();
  }

  #processing(attributes: Attributes): SpanOptions {
    return processing(this.#projection.name, attributes);
  }
}

/** Of work on an event, by whatever way it came to the consumer. */
export function processing(consumer: string, attributes: Attributes): SpanOptions {
  return {
    kind: 'consumer',
    attributes: {
      [ATTR.messagingSystem]: 'nats',
      [ATTR.messagingOperationType]: 'process',
      [ATTR.messagingOperationName]: 'process',
      [ATTR.messagingDestination]: EVENTS_STREAM,
      [ATTR.messagingConsumerGroup]: consumer,
      [ATTR.consumer]: consumer,
      ...attributes,
    },
  };
}

export function ofEvent({ id, tenant, sessionid, seq, type, correlationid }: Event, attempts: number): Attributes {
  return {
    [ATTR.messagingMessageId]: id,
    [ATTR.tenant]: tenant,
    [ATTR.session]: sessionid,
    [ATTR.seq]: seq,
    [ATTR.eventType]: type,
    [ATTR.correlationId]: correlationid,
    [ATTR.attempts]: attempts,
  };
}

/** Arguments of a tracer for the write into a read model. */
export function writeOf(
  { name, database }: Projection,
  parent: string,
  events: number,
): [name: string, parent: string, options: SpanOptions] {
  const attributes: Attributes =
    database === undefined
      ? { [ATTR.consumer]: name }
      : { [ATTR.dbSystem]: database, [ATTR.dbNamespace]: 'millrace', [ATTR.dbOperation]: 'BATCH', [ATTR.dbBatchSize]: events };
  return [database === undefined ? `write ${name}` : `BATCH ${name}`, parent, { kind: 'client', attributes }];
}

function endAll(spans: readonly Span[], errorType: string | undefined): void {
  for (const span of spans) {
    if (errorType !== undefined) span.fail(errorType);
    span.end();
  }
}
