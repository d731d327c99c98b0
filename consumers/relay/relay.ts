import { v7 } from 'uuid';
import type { CommandOutcome, RelayedCommand } from '../../shared/contract/internal.ts';
import { problemOf } from '../../shared/contract/problem.ts';
import { refusal, type Refusal } from '../../shared/core/codes.ts';
import type { Span, Tracer } from '../../shared/telemetry/tracer.ts';
import { backoffMs, wait, within } from '../runtime/backoff.ts';
import type { DeadLetters } from '../runtime/dead-letters.ts';
import type { Incoming } from '../runtime/incoming.ts';
import { describe, type Log } from '../runtime/log.ts';
import { EdgeRefused } from '../runtime/signed-post.ts';
import { ACK_WAIT_MS } from '../runtime/streams.ts';
import { Certainty, type Delivery } from './certainty.ts';
import { readCommand, type ReplyPrefix } from './command-message.ts';
import type { EdgeDoor } from './edge-door.ts';
import { Lanes, type Queued } from './lanes.ts';
import type { Replies } from './replies.ts';
import { beginSpan, tracesOf } from './relay-spans.ts';
import { Settler, type Verdict } from './settler.ts';

export const RELAY_DURABLE = 'relay';

/** calls to the edge at once, and what one carries; the rest waits for the next */
const CALLS_MAX = 8;
const CALL_COMMANDS_MAX = 32;
const CALL_PAYLOAD_BYTES_MAX = 1024 * 1024;
/** payloads in hand; those beyond it are let go, and read from the stream again when their turn comes */
const HELD_BYTES_MAX = 64 * 1024 * 1024;
/** until the stream is asked again whether an earlier command is settled */
const HEAD_RETRY_MS = 250;
const FLOOR_EVERY_MS = 500;
const EDGE_AWAY_BOUNDS = { minMs: 250, maxMs: 10_000 };
const LATER_BOUNDS = { minMs: 250, maxMs: 10_000 };
/** a command that makes the edge fail this often becomes a dead letter: it holds up its session no longer */
const INTERNAL_ERRORS_MAX = 10;
/** A payload is only passed on, so hardly the cause of a crash, but a crash costs all that is in hand a delivery. */
const DELIVERIES_MAX = 100;
/** when the server heard of nothing for longer, it may have given what is in hand to another: then the stream is asked */
const UNHEARD_MS_MAX = (ACK_WAIT_MS * 2) / 3;
const NOTHING = new Uint8Array();

/** What the stream knows; a work queue holds exactly the commands that are not settled. */
export interface CommandStream {
  /** sequence of the first message of a subject; undefined when there is none */
  firstOf(subject: string): Promise<number | undefined>;
  /** undefined when it is gone */
  payloadOf(streamSeq: number): Promise<Uint8Array | undefined>;
  /** up to here everything that was ever delivered is settled */
  ackFloor(): Promise<number>;
}

export interface RelayPorts {
  edge: EdgeDoor;
  stream: CommandStream;
  deadLetters: DeadLetters;
  replies: Replies;
  replyPrefix?: ReplyPrefix | undefined;
  /** absent: nothing is traced */
  tracer?: Tracer;
  log: Log;
  now: () => number;
  random: () => number;
}

interface Held extends Queued {
  incoming: Incoming;
  delivery: Delivery;
  attempts: number;
  internalErrors: number;
  firstFailedAtMs: number | undefined;
  /** refused: from now on it is only a matter of storing it as a dead letter */
  verdict: Verdict | undefined;
  span: Span | undefined;
}

/**
 * Brings commands of backends to the edge: per session in the order of the stream and one at a time, many sessions side by
 * side. A command that cannot be brought now is tried again, and the others of its session wait behind it. What happens twice
 * at a takeover has one effect, for each message has one idempotency key.
 */
export class Relay {
  readonly #ports: RelayPorts;
  readonly #settler: Settler;
  readonly #lanes = new Lanes<Held>();
  readonly #certainty = new Certainty();
  readonly #stop = new AbortController();
  readonly #running = new Set<Promise<void>>();
  #calls = 0;
  #heldBytes = 0;
  #edgeFailures = 0;
  #edgeNotBeforeMs = 0;
  #workedAtMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(ports: RelayPorts) {
    this.#ports = ports;
    this.#workedAtMs = ports.now();
    this.#settler = new Settler({ consumer: RELAY_DURABLE, ...ports });
  }

  /** Takes a message in hand. `tenure` names the unbroken time in which it and its neighbours came. */
  take(incoming: Incoming, tenure: string): void {
    const delivery: Delivery = { tenure, seq: incoming.streamSeq, deliveries: incoming.deliveries };
    this.#certainty.observe(delivery);
    if (this.#settler.isSettled(incoming)) return this.#track(this.#settler.acknowledge(incoming));
    const { subject, streamSeq: seq, data } = incoming;
    const fresh = { attempts: 0, internalErrors: 0, firstFailedAtMs: undefined, verdict: undefined, span: undefined };
    const held: Held = { subject, seq, bytes: data.length, incoming, delivery, ...fresh };
    const known = this.#lanes.add(held);
    if (known === undefined) {
      held.span = beginSpan(this.#ports.tracer, incoming);
      this.#hold(held, data);
    } else {
      // the server listens to the answer to its last delivery
      known.incoming = { ...incoming, data: known.incoming.data };
      known.delivery = delivery;
    }
    this.#pump();
  }

  /** The connection or the pin is gone: with it goes the certainty that no other relay has earlier commands. */
  interrupted(): void {
    this.#certainty.end();
  }

  /** Says that everything in hand is being worked on; to be called well within the server's ack timer. */
  working(): void {
    // a stall is found before it is mended
    this.#noticeStall();
    this.#workedAtMs = this.#ports.now();
    for (const { incoming } of this.#lanes) incoming.working();
  }

  get size(): number {
    return this.#lanes.size;
  }

  /** Until the end: learns when nothing that was delivered before us is out any more. Never rejects. */
  async watchFloor(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await wait(FLOOR_EVERY_MS, signal);
      const tenure = this.#certainty.question;
      if (tenure === undefined || signal.aborted) continue;
      try {
        this.#certainty.learn(tenure, await this.#ports.stream.ackFloor());
      } catch (error) {
        // until it can be told each command asks for itself
        this.#ports.log('warn', 'the state of the durable cannot be read', { error: describe(error) });
      }
    }
  }

  /** Begins nothing new, ends what is out within the bound, and gives the rest back in order. Never rejects. */
  async stop(drainMsMax: number): Promise<void> {
    this.#stop.abort();
    clearTimeout(this.#timer);
    try {
      await within(drainMsMax, 'draining', this.#idle());
    } catch (error) {
      this.#ports.log('warn', 'stopped with commands out: they come again', { error: describe(error) });
    }
    for (const { incoming, span } of [...this.#lanes].toSorted((a, b) => a.seq - b.seq)) {
      incoming.retry(0);
      span?.fail('stopped');
      span?.end();
    }
  }

  async #idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  #pump(): void {
    clearTimeout(this.#timer);
    if (this.#stop.signal.aborted) return;
    const nowMs = this.#ports.now();
    const edgeInMs = this.#edgeNotBeforeMs - nowMs;
    if (edgeInMs <= 0) this.#callAll(nowMs);
    const dueInMs = this.#calls < CALLS_MAX ? this.#lanes.dueInMs(nowMs) : undefined;
    if (dueInMs !== undefined) this.#timer = setTimeout(() => this.#pump(), Math.max(dueInMs, edgeInMs, 1));
  }

  #callAll(nowMs: number): void {
    while (this.#calls < CALLS_MAX) {
      const batch = this.#lanes.take(nowMs, CALL_COMMANDS_MAX, CALL_PAYLOAD_BYTES_MAX);
      if (batch.length === 0) return;
      this.#calls += 1;
      this.#track(this.#call(batch).finally(() => (this.#calls -= 1)));
    }
  }

  /** Work that a stop waits for, and after which something else may go. */
  #track(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => this.#ports.log('error', 'the relay failed', { error: describe(error) }))
      .finally(() => {
        this.#running.delete(tracked);
        this.#pump();
      });
    this.#running.add(tracked);
  }

  /** One call. Its place is free when the edge answered: settling with NATS does not hold it. */
  async #call(batch: readonly Held[]): Promise<void> {
    const prepared = await Promise.all(batch.map(async (held) => ({ held, command: await this.#prepare(held) })));
    const sent = prepared.flatMap(({ held, command }) => (command === undefined ? [] : [{ held, command }]));
    if (sent.length === 0) return;
    let outcomes: readonly CommandOutcome[];
    try {
      outcomes = await this.#ports.edge.commands(
        sent.map(({ command }) => command),
        tracesOf(sent.map(({ held }) => held.span)),
      );
    } catch (error) {
      this.#edgeAway(error);
      for (const { held } of sent) this.#lanes.later(held, this.#ports.now());
      return;
    }
    if (this.#edgeFailures > 0) this.#ports.log('info', 'the edge takes commands again');
    this.#edgeFailures = 0;
    for (const [index, { held }] of sent.entries()) {
      const outcome = outcomes[index];
      if (outcome !== undefined) this.#conclude(held, outcome);
    }
  }

  #edgeAway(error: unknown): void {
    const { log, now, random } = this.#ports;
    this.#edgeFailures += 1;
    if (this.#edgeFailures === 1) log('warn', 'the edge does not take commands', { error: describe(error) });
    const waitMs = error instanceof EdgeRefused ? (error.retryAfterMs ?? 0) : 0;
    this.#edgeNotBeforeMs = now() + Math.max(waitMs, backoffMs(this.#edgeFailures, EDGE_AWAY_BOUNDS, random()));
  }

  /** The command to send; undefined when its time has not come, it is gone, or there is nothing to send. Never rejects. */
  async #prepare(held: Held): Promise<RelayedCommand | undefined> {
    const { log, now, random } = this.#ports;
    try {
      if (!(await this.#isItsTurn(held))) return undefined;
    } catch (error) {
      log('warn', 'the stream cannot be read', { subject: held.subject, error: describe(error) });
      held.attempts += 1;
      this.#lanes.later(held, now() + backoffMs(held.attempts, LATER_BOUNDS, random()));
      return undefined;
    }
    if (held.verdict !== undefined) this.#settle(held, this.#bury(held, held.verdict));
    else if (held.incoming.deliveries > DELIVERIES_MAX) {
      const detail = `The command was delivered ${held.incoming.deliveries} times without an end.`;
      this.#refuse(held, refusal('internal', detail), 'deliveries_exhausted');
    } else {
      const read = readCommand(held.incoming, this.#ports.replyPrefix);
      if (read.ok) return read.command;
      this.#refuse(held, read.refusal);
    }
    return undefined;
  }

  /** Whether no earlier command of the session is unsettled, here or with another relay. Reads a payload that was let go. */
  async #isItsTurn(held: Held): Promise<boolean> {
    const { stream, now } = this.#ports;
    this.#noticeStall();
    if (!this.#certainty.isSure(held.delivery)) {
      const first = await stream.firstOf(held.subject);
      // settled by another relay, or too old: nothing is owed any more
      if (first === undefined || first > held.seq) return this.#drop(held);
      if (first < held.seq) {
        this.#lanes.later(held, now() + HEAD_RETRY_MS);
        return false;
      }
    }
    if (held.incoming.data.length < held.bytes) {
      const data = await stream.payloadOf(held.seq);
      if (data === undefined) return this.#drop(held);
      this.#heldBytes += data.length;
      held.incoming = { ...held.incoming, data };
    }
    return true;
  }

  /** A process that stood still is like a pin that is gone. */
  #noticeStall(): void {
    if (this.#ports.now() - this.#workedAtMs > UNHEARD_MS_MAX) this.interrupted();
  }

  #conclude(held: Held, outcome: CommandOutcome): void {
    if (outcome.kind === 'accepted')
      return this.#settle(
        held,
        this.#settler.accept(held.incoming, outcome).then(() => true),
      );
    const { problem } = outcome;
    const { log, now, random } = this.#ports;
    held.firstFailedAtMs ??= now();
    if (problem.code === 'internal') held.internalErrors += 1;
    const isLost = held.internalErrors >= INTERNAL_ERRORS_MAX;
    if (outcome.kind === 'refused' || isLost) {
      const reason = isLost ? 'retries_exhausted' : problem.code;
      return this.#settle(held, this.#bury(held, { reason, problem, firstFailedAtMs: held.firstFailedAtMs }));
    }
    held.attempts += 1;
    // what is only too fast says itself how long to wait
    const ownMs = problem.code === 'rate_limited' ? 0 : backoffMs(held.attempts, LATER_BOUNDS, random());
    if (held.attempts === 1 && ownMs > 0)
      log('warn', 'a session takes no commands', { subject: held.subject, code: problem.code });
    this.#lanes.later(held, now() + Math.max(problem.retryAfterMs ?? 0, ownMs));
  }

  #refuse(held: Held, refused: Refusal, reason: string = refused.code): void {
    const verdict = { reason, problem: problemOf(refused, v7()), firstFailedAtMs: this.#ports.now() };
    this.#settle(held, this.#bury(held, verdict));
  }

  async #bury(held: Held, verdict: Verdict): Promise<boolean> {
    held.verdict = verdict;
    held.span?.fail(verdict.reason);
    return await this.#settler.bury(held.incoming, verdict, held.span?.traceparent);
  }

  /** The lane goes on only behind what is settled. */
  #settle(held: Held, settling: Promise<boolean>): void {
    const settled = async (): Promise<void> => {
      if (await settling) this.#drop(held);
      else {
        held.attempts += 1;
        const { now, random } = this.#ports;
        this.#lanes.later(held, now() + backoffMs(held.attempts, LATER_BOUNDS, random()));
      }
    };
    this.#track(settled());
  }

  #drop(held: Held): false {
    held.span?.end();
    this.#heldBytes -= held.incoming.data.length;
    this.#lanes.done(held);
    return false;
  }

  #hold(held: Held, data: Uint8Array): void {
    if (this.#heldBytes + data.length > HELD_BYTES_MAX) held.incoming = { ...held.incoming, data: NOTHING };
    else this.#heldBytes += data.length;
  }
}
