import type { EventParser } from '../../shared/contract/event-schema.ts';
import { CLOUDEVENTS_CONTENT_TYPE, eventSubject } from '../../shared/contract/subjects.ts';
import type { ArchivedEvent, ArchivePage, ArchivePlace } from '../stores/history/archive.ts';
import { wait } from './backoff.ts';
import { BatchHandler } from './batch.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { Incoming } from './incoming.ts';
import type { Log } from './log.ts';
import type { Projection } from './projection.ts';
import type { Time } from './time.ts';

/** one batch of the projection, where it names no larger one of its own */
const BATCH_EVENTS_MAX = 100;
/** and then at most so many: there is no looking how long a store takes over them */
const OWN_BATCH_EVENTS_MAX = 1_000;
const BATCH_BYTES_MAX = 4 * 1024 * 1024;
/** events that wait to be tried again; at it nothing new is taken until they are settled */
const AGAIN_MAX = 1_000;

/** lines about archive rows that cannot be read; more of them say nothing new */
const NAMED_MAX = 100;

/** The caller's signal ended the work: nothing is wrong, and the rest is for another time. */
export class FeedStopped extends Error {
  constructor() {
    super('stopped');
    this.name = 'FeedStopped';
  }
}

export interface FeedPorts {
  projection: Projection;
  deadLetters: DeadLetters;
  /** absent: that of this build */
  parse?: EventParser | undefined;
  log: Log;
  time: Time;
  signal: AbortSignal;
}

/** What is fed: an event's message, which no server waits for. */
export type Fed = Pick<Incoming, 'subject' | 'data' | 'headers' | 'publishedAtMs' | 'storedId'>;

/**
 * Brings a projection what comes from elsewhere than its durable, by the runtime's own rules: a failing store is waited for,
 * an event that fails is tried again and in the end buried. Both methods reject with FeedStopped once the signal aborted.
 */
export class ArchiveFeed {
  readonly #ports: FeedPorts;
  readonly #handler: BatchHandler;
  readonly #batchEventsMax: number;
  #batch: Incoming[] = [];
  #batchBytes = 0;
  #unreadable = 0;
  #again: { incoming: Incoming; dueMs: number }[] = [];

  constructor(ports: FeedPorts) {
    this.#ports = ports;
    const { projection, time, signal } = ports;
    this.#batchEventsMax = Math.max(BATCH_EVENTS_MAX, Math.min(projection.batchEventsMax ?? 0, OWN_BATCH_EVENTS_MAX));
    this.#handler = new BatchHandler({
      ...ports,
      now: time.now,
      random: time.random,
      wait: async (ms) => await wait(ms, signal, time),
      stopping: () => signal.aborted,
    });
  }

  /** Resolves when there is room for more; answers how many of them the projection takes. What cannot be read is named, and left out. */
  async take({ events, unreadable }: ArchivePage): Promise<number> {
    const { types } = this.#ports.projection;
    for (const place of unreadable) this.#nameUnreadable(place);
    const wanted = types === 'all' ? events : events.filter(({ event }) => types.includes(event.type));
    for (const archived of wanted) await this.#push(fedOf(archived));
    return wanted.length;
  }

  /** archive rows that held no event: what they did is not in the projection */
  get unreadable(): number {
    return this.#unreadable;
  }

  #nameUnreadable({ tenant, sessionId, seq }: ArchivePlace): void {
    const { log, projection } = this.#ports;
    this.#unreadable += 1;
    if (this.#unreadable > NAMED_MAX) return;
    const more = this.#unreadable === NAMED_MAX ? { note: 'those after it are counted, and not named' } : {};
    log('error', 'an archive row cannot be read, and is left out', {
      consumer: projection.name,
      tenant,
      sessionId,
      seq,
      ...more,
    });
  }

  /** The same of one message, by its subject: of one that says no type, the projection is asked. */
  async takeMessage(message: Fed): Promise<number> {
    const { types } = this.#ports.projection;
    const [, , , ...rest] = message.subject.split('.');
    const type = rest.slice(0, 2).join('.');
    if (types !== 'all' && rest.length === 3 && !types.some((each) => each === type)) return 0;
    await this.#push(message);
    return 1;
  }

  async #push(message: Fed): Promise<void> {
    this.#batch.push(this.#incomingOf(message, 1));
    this.#batchBytes += message.data.length;
    if (this.#batch.length >= this.#batchEventsMax || this.#batchBytes >= BATCH_BYTES_MAX) await this.#process();
    while (this.#again.length >= AGAIN_MAX) await this.#processAgain();
  }

  /** Resolves when all that was taken is settled. */
  async drain(): Promise<void> {
    await this.#process();
    while (this.#again.length > 0) await this.#processAgain();
  }

  async #process(): Promise<void> {
    const batch = this.#batch;
    this.#batch = [];
    this.#batchBytes = 0;
    if (batch.length > 0) await this.#handler.process(batch, () => {});
    if (this.#ports.signal.aborted) throw new FeedStopped();
  }

  async #processAgain(): Promise<void> {
    const { time, signal } = this.#ports;
    const first = Math.min(...this.#again.map(({ dueMs }) => dueMs));
    await wait(Math.max(0, first - time.now()), signal, time);
    if (signal.aborted) throw new FeedStopped();
    const due = this.#again.filter(({ dueMs }) => dueMs <= Math.max(first, time.now())).slice(0, BATCH_EVENTS_MAX);
    this.#again = this.#again.filter((each) => !due.includes(each));
    this.#batch.push(...due.map(({ incoming }) => incoming));
    await this.#process();
  }

  #incomingOf(message: Fed, deliveries: number): Incoming {
    const { time } = this.#ports;
    return {
      ...message,
      streamSeq: 0,
      deliveries,
      ack: async () => await Promise.resolve(true),
      ackUnconfirmed() {},
      retry: (delayMs) => {
        this.#again.push({ incoming: this.#incomingOf(message, deliveries + 1), dueMs: time.now() + delayMs });
      },
      working() {},
      terminate() {},
    };
  }
}

/** As the stream had it: a dead letter that comes of it keeps the event's id where those of the stream keep it. */
function fedOf({ event, publishedAtMs }: ArchivedEvent): Fed {
  return {
    subject: eventSubject(event.tenant, event.type, event.sessionid),
    data: new TextEncoder().encode(JSON.stringify(event)),
    headers: [
      ['Content-Type', CLOUDEVENTS_CONTENT_TYPE],
      ['Nats-Msg-Id', event.id],
    ],
    publishedAtMs,
    storedId: `archive.${event.id}`,
  };
}
