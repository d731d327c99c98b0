import { eventSubject } from '../../shared/contract/subjects.ts';
import { PUBLISH_BATCH_BYTES_MAX, PUBLISH_BATCH_EVENTS_MAX } from '../../shared/core/limits.ts';
import { isSampled, traceparentOfEncoded } from '../../shared/telemetry/traceparent.ts';
import type { PublishItem, PublishOutcome } from '../uplink/api.ts';
import { outboxBackoffMs } from './alarm-plan.ts';
import type { SessionIdentity } from './api.ts';
import type { EncodedEvent, EventLog } from './event-log.ts';
import type { RoomPorts } from './ports.ts';
import type { ProgressLog } from './progress-log.ts';

/**
 * Hands events to an Uplink in the order of their seqs, one batch under way at a time. The events table is the
 * outbox, `progress.sent` its watermark; a PubAck moves it, and only a receipt lets an event go.
 */
export class Outbox {
  readonly #ports: RoomPorts;
  readonly #events: EventLog;
  readonly #progress: ProgressLog;
  readonly #identity: SessionIdentity;
  #running = false;
  #failures = 0;
  /** set while waiting after a failure */
  retryAtMs: number | undefined;

  constructor(ports: RoomPorts, events: EventLog, progress: ProgressLog, identity: SessionIdentity) {
    this.#ports = ports;
    this.#events = events;
    this.#progress = progress;
    this.#identity = identity;
  }

  get waiting(): boolean {
    return this.#progress.sent < this.#events.head;
  }

  /** Starts publishing unless it is under way, or a retry is waiting for its time. Never throws. */
  kick(): void {
    if (this.#running || !this.waiting) return;
    if (this.retryAtMs !== undefined && this.retryAtMs > this.#ports.nowMs()) return;
    this.#running = true;
    this.#ports.background(
      this.#drain().finally(() => {
        this.#running = false;
      }),
    );
  }

  /** The alarm's way in: waits until the outbox is empty or a publish failed. */
  async drain(): Promise<void> {
    if (this.#running || !this.waiting) return;
    this.#running = true;
    try {
      await this.#drain();
    } finally {
      this.#running = false;
    }
  }

  async #drain(): Promise<void> {
    while (this.waiting) {
      const batch = this.#events.range(this.#progress.sent + 1, PUBLISH_BATCH_EVENTS_MAX, PUBLISH_BATCH_BYTES_MAX);
      const last = batch.at(-1);
      if (last === undefined) return;
      const { acked, streamSeq } = await this.#publish(batch);
      const reached = acked === 0 ? undefined : batch[acked - 1];
      if (reached !== undefined) {
        const atMs = this.#ports.nowMs();
        this.#ports.transaction(() => this.#progress.recordSent(reached.seq, atMs, streamSeq));
      }
      if (acked < batch.length) {
        this.#failures += 1;
        this.retryAtMs = this.#ports.nowMs() + outboxBackoffMs(this.#failures, this.#ports.random());
        this.#ports.setAlarm(this.retryAtMs);
        return;
      }
      if (this.#failures > 0) this.#ports.log('info', 'events are published again', { failures: this.#failures });
      this.#failures = 0;
      this.retryAtMs = undefined;
    }
  }

  async #publish(batch: readonly EncodedEvent[]): Promise<PublishOutcome> {
    try {
      const outcome = await this.#ports.publisher.publish(
        batch.map((event) => this.#item(event)),
        { outboxEvents: this.#events.head - this.#progress.sent, oldestAtMs: batch[0]?.atMs ?? this.#ports.nowMs() },
      );
      if (outcome.error !== undefined) this.#complain(outcome.error);
      return { ...outcome, acked: Math.min(outcome.acked, batch.length) };
    } catch (error) {
      this.#complain(String(error));
      return { acked: 0 };
    }
  }

  #item(event: EncodedEvent): PublishItem {
    const item = publishItem(this.#identity, event);
    if (this.#ports.tracer === undefined || this.#ports.tracer.isOff) return item;
    const traceparent = traceparentOfEncoded(event.body);
    return isSampled(traceparent) ? { ...item, traceparent } : item;
  }

  /** Once per outage: every session says it, and an outage may be long. */
  #complain(error: string): void {
    if (this.#failures === 0) this.#ports.log('warn', 'events wait to be published', { error });
  }
}

export function publishItem({ tenant, sessionId }: SessionIdentity, event: EncodedEvent): PublishItem {
  return { subject: eventSubject(tenant, event.type, sessionId), id: event.id, payload: event.body };
}
