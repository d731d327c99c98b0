import type { Msg, NatsConnection } from '@nats-io/transport-node';
import { inboundSignal } from '../../shared/contract/backend.ts';
import type { SignalsRequest } from '../../shared/contract/internal.ts';
import { FROM_EDGE, FROM_HEADER, SIGNALS_SUBJECTS } from '../../shared/contract/subjects.ts';
import { ID_PATTERN, TENANT_PATTERN } from '../../shared/core/ids.ts';
import { within } from '../runtime/backoff.ts';
import { describe, type Log } from '../runtime/log.ts';
import type { EdgeDoor } from './edge-door.ts';
import { SignalBuffer } from './signal-buffer.ts';

const QUEUE = 'relay';
/** calls at once; meanwhile the rest gathers */
const CALLS_MAX = 4;
/** a larger message is no signal: a chunk of 50,000 code units fits even if all of them are escaped */
const SIGNAL_BYTES_MAX = 512 * 1024;
/** lost signals are told of in one line per this time */
const LOST_LINE_EVERY_MS = 10_000;
const DRAIN_MS_MAX = 1_000;

/**
 * Brings what backends say for the moment to the edge, as one of any number in the queue group. Nothing is kept or tried again:
 * what the edge did not take at once is lost, and counted.
 */
export class SignalRelay {
  readonly #connection: NatsConnection;
  readonly #edge: EdgeDoor;
  readonly #log: Log;
  readonly #buffer = new SignalBuffer();
  readonly #calls = new Set<Promise<void>>();
  readonly #lost = { unsound: 0, undelivered: 0 };
  #timer: NodeJS.Timeout | undefined;
  #telling: NodeJS.Timeout | undefined;
  #stop: () => Promise<void> = async () => {};

  constructor(connection: NatsConnection, edge: EdgeDoor, log: Log) {
    this.#connection = connection;
    this.#edge = edge;
    this.#log = log;
  }

  start(): void {
    const subscription = this.#connection.subscribe(SIGNALS_SUBJECTS, {
      queue: QUEUE,
      callback: (error, message) => {
        if (error === null) this.#take(message);
        else this.#log('error', 'signals cannot be received', { error: describe(error) });
      },
    });
    this.#telling = setInterval(() => this.#tellLost(), LOST_LINE_EVERY_MS);
    this.#stop = async () => await subscription.drain();
  }

  /** Leaves the queue group and waits a moment for the calls that are out. Never rejects. */
  async stop(): Promise<void> {
    clearInterval(this.#telling);
    try {
      await within(DRAIN_MS_MAX, 'leaving', this.#stop());
      await within(DRAIN_MS_MAX, 'the last signals', Promise.all(this.#calls));
    } catch (error) {
      this.#log('warn', 'stopped with signals unsent', { error: describe(error) });
    }
    clearTimeout(this.#timer);
    this.#tellLost();
  }

  #take(message: Msg): void {
    // the subject is for both directions: what the edge says is for backends
    if (message.headers?.get(FROM_HEADER) === FROM_EDGE) return;
    const [, , tenant = '', sessionId = ''] = message.subject.split('.');
    const signal = signalOf(message.data);
    if (signal === undefined || !TENANT_PATTERN.test(tenant) || !ID_PATTERN.test(sessionId)) {
      this.#lost.unsound += 1;
      return;
    }
    this.#buffer.add({ tenant, sessionId }, signal, Date.now());
    this.#pump();
  }

  #pump(): void {
    clearTimeout(this.#timer);
    while (this.#calls.size < CALLS_MAX) {
      const sessions = this.#buffer.takeDue(Date.now());
      if (sessions.length === 0) break;
      const call = this.#send(sessions).finally(() => {
        this.#calls.delete(call);
        this.#buffer.back(sessions);
        this.#pump();
      });
      this.#calls.add(call);
    }
    const dueInMs = this.#calls.size < CALLS_MAX ? this.#buffer.dueInMs(Date.now()) : undefined;
    if (dueInMs !== undefined) this.#timer = setTimeout(() => this.#pump(), dueInMs);
  }

  /** Never rejects. */
  async #send(sessions: SignalsRequest['sessions']): Promise<void> {
    try {
      this.#lost.undelivered += await this.#edge.signals(sessions);
    } catch {
      // why, the commands' own line says; here it counts
      this.#lost.undelivered += sessions.reduce((sum, { signals }) => sum + signals.length, 0);
    }
  }

  #tellLost(): void {
    const { unsound, undelivered } = this.#lost;
    const overflowed = this.#buffer.takeDropped();
    if (unsound + undelivered + overflowed === 0) return;
    Object.assign(this.#lost, { unsound: 0, undelivered: 0 });
    this.#log('warn', 'signals lost', { unsound, undelivered, overflowed });
  }
}

function signalOf(data: Uint8Array) {
  if (data.length > SIGNAL_BYTES_MAX) return undefined;
  try {
    const parsed = inboundSignal.safeParse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(data)));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
