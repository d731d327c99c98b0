import { NoRespondersError, TimeoutError, RequestError, type Msg, type NatsConnection } from '@nats-io/transport-node';
import { z } from 'zod';
import { parseEvent, type EventParser } from '../../shared/contract/event-schema.ts';
import { redriveSubject } from '../../shared/contract/subjects.ts';
import type { Event } from '../../shared/core/types.ts';
import { ATTR } from '../../shared/telemetry/attributes.ts';
import { isSampled, traceFields } from '../../shared/telemetry/traceparent.ts';
import { NO_TRACER } from '../../shared/telemetry/tracer.ts';
import { StoreUnavailable } from '../stores/store-unavailable.ts';
import { within } from './backoff.ts';
import { ofEvent, processing, writeOf } from './batch-spans.ts';
import { describe } from './log.ts';
import type { Delivery, Projection } from './projection.ts';
import type { OpenedReadModel, Platform } from './read-model.ts';
import { TRACEPARENT_HEADER, traceHeaders } from './trace-headers.ts';

/**
 * An event of a dead letter, handed to one worker of the consumer that buried it, and to no other consumer: over NATS request and
 * reply, among the consumers alone. The right to publish there is the right to write into a read model.
 */

/** letters in hand at one worker; beyond it the answer is at once `later` */
const IN_HAND_MAX = 8;
/** a store that does not answer is a store that fails; whoever asks has gone long before */
const HANDLE_MS_MAX = 30_000;
const DRAIN_MS_MAX = 3_000;

const request = z.strictObject({ v: z.literal(1), event: z.unknown(), publishedAtMs: z.int() });

const answer = z.discriminatedUnion('outcome', [
  /** it is in the read model, and whoever waits for it was told */
  z.object({ outcome: z.literal('taken') }),
  /** it would fail every time */
  z.object({ outcome: z.literal('poison'), reason: z.string(), detail: z.string() }),
  /** not now; it may have been taken all the same */
  z.object({ outcome: z.literal('later'), detail: z.string() }),
]);
export type Redriven = z.infer<typeof answer>;

type Taker = Pick<OpenedReadModel, 'projection' | 'redriven'>;
type Process = Pick<Platform, 'log' | 'parse' | 'time' | 'tracer'>;

/** Takes redriven events in the process of the read model's own worker. Returns what stops it, and never rejects. */
export function serveRedrives(connection: NatsConnection, taker: Taker, process: Process): () => Promise<void> {
  const { log, time } = process;
  const running = new Set<Promise<void>>();
  const take = async (message: Msg): Promise<void> => {
    try {
      const asked = { ...process, askedBy: message.headers?.get(TRACEPARENT_HEADER) };
      const said = running.size >= IN_HAND_MAX ? later('Too many at once.') : await redriven(message.data, taker, asked);
      message.respond(JSON.stringify(said));
    } catch (error) {
      log('warn', 'a redrive could not be answered', { error: describe(error) });
    }
  };
  /** Never rejects. */
  const track = async (work: Promise<void>): Promise<void> => {
    running.add(work);
    await work;
    running.delete(work);
  };
  const { name } = taker.projection;
  const subscription = connection.subscribe(redriveSubject(name), {
    queue: name,
    callback: (error, message) => {
      if (error !== null) return log('error', 'redrives cannot be received', { error: describe(error) });
      void track(take(message));
    },
  });
  return async () => {
    try {
      await within(DRAIN_MS_MAX, 'draining redrives', subscription.drain(), time);
      await within(DRAIN_MS_MAX, 'ending redrives', Promise.all(running), time);
    } catch (error) {
      log('warn', 'stopped with a redrive in hand', { error: describe(error) });
    }
  };
}

/** Exported for its test. Never rejects. */
export async function redriven(
  bytes: Uint8Array,
  { projection, redriven: tell }: Taker,
  { log, parse = parseEvent, tracer = NO_TRACER, time, askedBy }: Process & { askedBy?: string | undefined },
): Promise<Redriven> {
  const read = readRequest(bytes, parse);
  if (!read.ok) return { outcome: 'poison', reason: read.reason, detail: read.detail };
  const { event, publishedAtMs } = read.delivery;
  // in the event's own trace, as the first attempt was; who asked for it is in another
  const span = tracer.child(`process ${projection.name}`, event.traceparent, {
    ...processing(projection.name, { ...ofEvent(event, 1), [ATTR.redriven]: true }),
    links: isSampled(askedBy) ? [askedBy] : [],
  });
  const write = span && tracer.child(...writeOf(projection, span.traceparent, 1));
  try {
    const said = await within(HANDLE_MS_MAX, 'a redrive', handle(projection, read.delivery), time);
    if (said.outcome !== 'taken') write?.fail(said.outcome);
    write?.end();
    if (said.outcome !== 'taken') {
      span?.fail(said.outcome);
      return said;
    }
    await tell?.(event, publishedAtMs);
    const { tenant, sessionid: sessionId, seq, correlationid: correlationId } = event;
    const trace = traceFields(span?.traceparent ?? event.traceparent);
    log('info', 'redriven', { consumer: projection.name, tenant, sessionId, seq, correlationId, ...trace });
    return said;
  } catch (error) {
    log('warn', 'a redrive failed', { consumer: projection.name, error: describe(error) });
    span?.fail('failed');
    return later('The consumer took it, but its session could not be told: once more.');
  } finally {
    span?.end();
  }
}

/** As the runtime does with a batch of one, without its retries: a person is waiting. */
async function handle(projection: Projection, delivery: Delivery): Promise<Redriven> {
  try {
    const [outcome] = await projection.handle([delivery]);
    if (outcome?.kind === 'ok') return { outcome: 'taken' };
    if (outcome?.kind === 'poison') return { outcome: 'poison', reason: outcome.reason, detail: outcome.detail };
    return later(outcome?.detail ?? 'no outcome');
  } catch (error) {
    if (error instanceof StoreUnavailable || !(await projection.healthy())) return later(`The store fails: ${describe(error)}`);
    return { outcome: 'poison', reason: 'projection_failed', detail: describe(error) };
  }
}

type Read = { ok: true; delivery: Delivery } | { ok: false; reason: string; detail: string };

function readRequest(bytes: Uint8Array, parse: EventParser): Read {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return { ok: false, reason: 'unparsable', detail: 'not JSON' };
  }
  const asked = request.safeParse(value);
  if (!asked.success) return { ok: false, reason: 'unparsable', detail: 'not a redrive of this version' };
  const parsed = parse(asked.data.event);
  if (!parsed.ok) return parsed;
  const { ok: _, ...event } = parsed;
  return { ok: true, delivery: { ...event, publishedAtMs: asked.data.publishedAtMs } };
}

function later(detail: string): Redriven {
  return { outcome: 'later', detail };
}

/** Hands an event to a worker of a consumer. Never rejects: what is not known is `later`. */
export async function handOver(
  connection: NatsConnection,
  consumer: string,
  { event, publishedAtMs }: { event: Event; publishedAtMs: number },
  msMax: number,
  traceparent?: string,
): Promise<Redriven> {
  try {
    const payload = JSON.stringify({ v: 1, event, publishedAtMs });
    const reply = await connection.request(redriveSubject(consumer), payload, { timeout: msMax, ...traceHeaders(traceparent) });
    return answer.parse(reply.json());
  } catch (error) {
    const isNobody = error instanceof NoRespondersError || (error instanceof RequestError && error.isNoResponders());
    if (isNobody) return later(`No worker of ${consumer} is running.`);
    if (error instanceof TimeoutError) return later(`${consumer} did not answer in time; it may have taken it all the same.`);
    return later(`${consumer} could not be asked.`);
  }
}
