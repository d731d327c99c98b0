import type { AckLine } from './ack-line.ts';
import { backoffMs, within, type BackoffBounds } from './backoff.ts';
import { BatchSpans } from './batch-spans.ts';
import type { DeadLetters } from './dead-letters.ts';
import { placeOf, readEvent, type EventPlace, type Incoming } from './incoming.ts';
import { describe, type Log } from './log.ts';
import { NO_METRICS, type Metrics } from './metrics.ts';
import type { Delivery, Outcome, Projection } from './projection.ts';
import { StoreUnavailable } from '../stores/store-unavailable.ts';
import type { Time } from './time.ts';
import type { EventParser } from '../../shared/contract/event-schema.ts';
import type { Event } from '../../shared/core/types.ts';
import { traceFields } from '../../shared/telemetry/traceparent.ts';
import type { Tracer } from '../../shared/telemetry/tracer.ts';

/** at more deliveries than this a message is buried without a look at its payload: it may be what kills the worker */
export const DELIVERIES_MAX = 10;
const RETRY_BOUNDS = { minMs: 1_000, maxMs: 300_000 };
/** What a message may cost before it is buried. */
export interface BatchBounds {
  deliveriesMax: number;
  /** before a failed message comes again */
  retry: BackoffBounds;
  /** a store that does not answer is a store that fails */
  handleMsMax: number;
}

/** after a failure of the store a larger batch is tried again in parts of so many */
const RETRIED_EVENTS_MAX = 100;
const PAUSE_BOUNDS = { minMs: 250, maxMs: 10_000 };
const HANDLE_MS_MAX = 30_000;
const BOUNDS: BatchBounds = { deliveriesMax: DELIVERIES_MAX, retry: RETRY_BOUNDS, handleMsMax: HANDLE_MS_MAX };
/** tries of a batch with spans of their own: an outage may be long */
const TRACED_ATTEMPTS_MAX = 10;
/** first failures remembered by this worker; beyond it the oldest are forgotten, and a dead letter names a later time */
const FIRST_FAILURES_MAX = 10_000;

/** Told what became final. Neither may throw or wait. */
export interface Settlements {
  /** the store and JetStream both confirmed it */
  persisted(event: Event, publishedAtMs: number): void;
  /** it is a stored dead letter. Clients see this: what the store said stays with the letter and in the logs */
  buried(place: EventPlace, failure: { code: string; consumer: string; atMs: number }): void;
}

export interface BatchPorts {
  projection: Projection;
  deadLetters: DeadLetters;
  /** absent: nobody waits to hear what is final */
  settlements?: Settlements;
  /** absent: each acknowledgement that somebody waits for is confirmed by itself */
  line?: AckLine;
  /** absent: that of this build; tests bring one that knows more versions of events */
  parse?: EventParser | undefined;
  /** absent: nothing is traced */
  tracer?: Tracer | undefined;
  log: Log;
  /** absent: nobody measures */
  metrics?: Metrics;
  now: () => number;
  random: () => number;
  /** waits at most so long; less when the worker is to stop */
  wait: (ms: number) => Promise<void>;
  stopping: () => boolean;
  /** absent: those above */
  bounds?: BatchBounds;
  /** what the bound of a batch is measured by; absent: the system's */
  time?: Time;
}

interface Work extends Pick<Delivery, 'event' | 'stored'> {
  incoming: Incoming;
}

/**
 * Brings every message of a batch to an end: acknowledged, buried, or to be delivered again. A failing store is waited for
 * with the messages in hand, so that it costs them no deliveries; one failing event is told apart by splitting the batch.
 */
export class BatchHandler {
  readonly #ports: BatchPorts;
  readonly #bounds: BatchBounds;
  readonly #metrics: Metrics;
  readonly #spans: BatchSpans;
  readonly #firstFailedAtMs = new Map<string, number>();
  #pauses = 0;

  constructor(ports: BatchPorts) {
    this.#ports = ports;
    this.#bounds = ports.bounds ?? BOUNDS;
    this.#metrics = ports.metrics ?? NO_METRICS;
    this.#spans = new BatchSpans(ports.tracer, ports.projection);
  }

  /** A batch waits for a store that fails. */
  get isPaused(): boolean {
    return this.#pauses > 0;
  }

  /** Resolves when all are settled. Never rejects. `release` is called for each as it is. */
  async process(batch: readonly Incoming[], letGo: (incoming: Incoming) => void): Promise<void> {
    const release = (incoming: Incoming): void => {
      this.#spans.end(incoming);
      letGo(incoming);
    };
    const works: Work[] = [];
    const burials: Promise<void>[] = [];
    for (const incoming of batch) {
      // the delivery count before the payload: even parsing may be what kills or hangs a worker
      if (incoming.deliveries > this.#bounds.deliveriesMax) {
        burials.push(
          this.#bury(incoming, 'deliveries_exhausted', `delivered ${incoming.deliveries} times without an end`, release),
        );
        continue;
      }
      const read = readEvent(incoming, this.#ports.parse);
      if (read.ok) works.push({ ...read, incoming });
      else burials.push(this.#bury(incoming, read.reason, read.detail, release));
    }
    const end = this.#spans.begin(works);
    await Promise.all([...burials, works.length === 0 ? undefined : this.#settle(works, release)]);
    end();
  }

  async #settle(works: readonly Work[], release: (incoming: Incoming) => void): Promise<void> {
    const { projection, log, stopping, time } = this.#ports;
    for (let attempt = 1; ; attempt += 1) {
      let outcomes: readonly Outcome[];
      const written = this.#spans.write(attempt <= TRACED_ATTEMPTS_MAX ? works : []);
      try {
        const batch = works.map(({ incoming, event, stored }) => {
          return { event, ...(stored === undefined ? {} : { stored }), publishedAtMs: incoming.publishedAtMs };
        });
        outcomes = await within(this.#bounds.handleMsMax, 'a batch', projection.handle(batch), time);
        written();
      } catch (error) {
        written(error instanceof StoreUnavailable ? 'unavailable' : 'failed');
        // the probe of a full or locked store may pass, for it is small: what the store says of itself goes before it
        if (error instanceof StoreUnavailable || !(await projection.healthy())) {
          this.#metrics.sinkFailed(projection.name, 'unavailable');
          await this.#pause(attempt, error);
          if (stopping()) return this.#giveBack(works, release);
          // a store that is only slow must not be given for ever what it cannot do in time
          if (works.length > RETRIED_EVENTS_MAX) return await this.#settleInParts(works, release);
          continue;
        }
        this.#metrics.sinkFailed(projection.name, 'bug');
        return await this.#isolate(works, error, release);
      }
      if (attempt > 1) log('info', 'the store answers again', { consumer: projection.name });
      await this.#end(works, outcomes, release);
      return;
    }
  }

  async #end(works: readonly Work[], outcomes: readonly Outcome[], release: (incoming: Incoming) => void): Promise<void> {
    const stored: Work[] = [];
    const others: Promise<void>[] = [];
    for (const [index, work] of works.entries()) {
      const outcome = outcomes[index] ?? { kind: 'transient', detail: 'no outcome' };
      if (outcome.kind === 'ok') stored.push(work);
      else others.push(this.#refused(work, outcome, release));
    }
    const { settlements, line } = this.#ports;
    const groups = settlements !== undefined && line === undefined ? stored.map((work) => [work]) : [stored];
    await Promise.all([...others, ...groups.map(async (group) => await this.#acknowledge(group, release))]);
  }

  async #settleInParts(works: readonly Work[], release: (incoming: Incoming) => void): Promise<void> {
    for (let at = 0; at < works.length; at += RETRIED_EVENTS_MAX) {
      await this.#settle(works.slice(at, at + RETRIED_EVENTS_MAX), release);
    }
  }

  /** The store takes writes, but not these: halves until the event that fails is alone. */
  async #isolate(works: readonly Work[], error: unknown, release: (incoming: Incoming) => void): Promise<void> {
    const [only] = works;
    if (only !== undefined && works.length === 1) {
      await this.#refused(only, { kind: 'transient', detail: describe(error) }, release);
      return;
    }
    const middle = Math.ceil(works.length / 2);
    await this.#settle(works.slice(0, middle), release);
    await this.#settle(works.slice(middle), release);
  }

  async #pause(attempt: number, error: unknown): Promise<void> {
    const { projection, log, random, wait, stopping } = this.#ports;
    if (attempt === 1) log('error', 'the store fails: paused', { consumer: projection.name, error: describe(error) });
    let healthy = false;
    this.#pauses += 1;
    this.#metrics.waiting(projection.name, 1);
    for (let tries = 1; !healthy && !stopping(); tries += 1) {
      await wait(backoffMs(Math.max(attempt, tries), PAUSE_BOUNDS, random()));
      healthy = await projection.healthy();
    }
    this.#pauses -= 1;
    this.#metrics.waiting(projection.name, -1);
  }

  #giveBack(works: readonly Work[], release: (incoming: Incoming) => void): void {
    for (const { incoming } of works) {
      incoming.retry(0);
      release(incoming);
    }
  }

  async #refused(
    { incoming }: Work,
    outcome: Exclude<Outcome, { kind: 'ok' }>,
    release: (incoming: Incoming) => void,
  ): Promise<void> {
    if (outcome.kind === 'poison') return await this.#bury(incoming, outcome.reason, outcome.detail, release);
    if (incoming.deliveries >= this.#bounds.deliveriesMax)
      return await this.#bury(incoming, 'retries_exhausted', outcome.detail, release);
    this.#failed(incoming);
    this.#retry(incoming, outcome.detail, release);
  }

  /** The last one alone is confirmed, for all of them (AckLine). One that got lost brings its message again, and its receipt with it. */
  async #acknowledge(works: readonly Work[], release: (incoming: Incoming) => void): Promise<void> {
    const last = works.at(-1);
    if (last === undefined) return;
    const { settlements, line, log } = this.#ports;
    const breaks = line?.breaks();
    for (const { incoming } of works) {
      if (incoming !== last.incoming) incoming.ackUnconfirmed();
      this.#forget(incoming);
    }
    try {
      const isConfirmed = await last.incoming.ack();
      // whatever is not told here comes again, or the Session asks after it
      const told = isConfirmed ? (line?.breaks() === breaks ? works : [last]) : [];
      for (const { event, incoming } of told) settlements?.persisted(event, incoming.publishedAtMs);
    } catch (error) {
      const { streamSeq } = last.incoming;
      log('warn', 'an acknowledgement was not confirmed', { streamSeq, events: works.length, error: describe(error) });
    } finally {
      for (const { incoming } of works) release(incoming);
    }
  }

  /** Stores the dead letter, and only then terminates the message. */
  async #bury(incoming: Incoming, reason: string, detail: string, release: (incoming: Incoming) => void): Promise<void> {
    const { projection, deadLetters, settlements, log, now } = this.#ports;
    const firstFailedAtMs = this.#failed(incoming);
    const beganMs = now();
    const traceparent = this.#spans.traceparentOf(incoming);
    const stored = this.#spans.bury(incoming);
    try {
      const more = traceparent === undefined ? {} : { traceparent };
      await deadLetters.store({ incoming, consumer: projection.name, reason, error: detail, firstFailedAtMs, ...more });
      stored();
    } catch (error) {
      stored('unavailable');
      this.#retry(incoming, `its dead letter could not be stored: ${describe(error)}`, release);
      return;
    }
    incoming.terminate(reason);
    // only now: reading it may be what kills a worker
    const place = placeOf(incoming);
    this.#spans.fail(incoming, reason);
    this.#spans.buriedUnread(incoming, place?.traceparent, reason, beganMs);
    release(incoming);
    this.#forget(incoming);
    log('error', 'dead letter', {
      consumer: projection.name,
      reason,
      streamSeq: incoming.streamSeq,
      subject: incoming.subject,
      correlationId: place?.correlationId,
      ...traceFields(traceparent ?? place?.traceparent),
    });
    if (place !== undefined) settlements?.buried(place, { code: reason, consumer: projection.name, atMs: now() });
  }

  #retry(incoming: Incoming, why: string, release: (incoming: Incoming) => void): void {
    const { log, random } = this.#ports;
    const delayMs = backoffMs(incoming.deliveries, this.#bounds.retry, random());
    const { streamSeq, deliveries } = incoming;
    const trace = traceFields(this.#spans.traceparentOf(incoming));
    log('warn', 'to be delivered again', { streamSeq, deliveries, delayMs, error: why, ...trace });
    this.#spans.fail(incoming, 'retried');
    incoming.retry(delayMs);
    release(incoming);
  }

  #forget(incoming: Incoming): void {
    // hardly any message ever failed, and its name costs more than the look
    if (this.#firstFailedAtMs.size > 0) this.#firstFailedAtMs.delete(incoming.storedId);
  }

  #failed(incoming: Incoming): number {
    const known = this.#firstFailedAtMs.get(incoming.storedId);
    if (known !== undefined) return known;
    const nowMs = this.#ports.now();
    this.#firstFailedAtMs.set(incoming.storedId, nowMs);
    const [oldest] = this.#firstFailedAtMs.keys();
    if (this.#firstFailedAtMs.size > FIRST_FAILURES_MAX && oldest !== undefined) this.#firstFailedAtMs.delete(oldest);
    return nowMs;
  }
}
