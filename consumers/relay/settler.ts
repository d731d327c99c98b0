import type { Problem } from '../../shared/contract/problem.ts';
import { traceFields } from '../../shared/telemetry/traceparent.ts';
import type { DeadLetters } from '../runtime/dead-letters.ts';
import type { Incoming } from '../runtime/incoming.ts';
import { describe, type Log } from '../runtime/log.ts';
import { replySubjectOf, type ReplyPrefix } from './command-message.ts';
import type { FinalOutcome, Replies } from './replies.ts';

/** settled messages whose acknowledgement was not confirmed; beyond it the oldest are forgotten, and asked of the edge again */
const UNCONFIRMED_MAX = 10_000;

export interface Verdict {
  /** of the dead letter: the problem's code, or why nobody could say */
  reason: string;
  problem: Problem;
  firstFailedAtMs: number;
}

export interface SettlerPorts {
  consumer: string;
  deadLetters: DeadLetters;
  replies: Replies;
  replyPrefix?: ReplyPrefix | undefined;
  log: Log;
}

/**
 * Brings a message to its end: the reply, if one is asked for, and then the acknowledgement, so that a crash in between repeats
 * the reply rather than losing it. A refused command is a stored dead letter before either.
 */
export class Settler {
  readonly #ports: SettlerPorts;
  /** settled here, but the server may not know it: when they come again they are only acknowledged */
  readonly #unconfirmed = new Set<string>();

  constructor(ports: SettlerPorts) {
    this.#ports = ports;
  }

  isSettled(incoming: Incoming): boolean {
    return this.#unconfirmed.has(incoming.storedId);
  }

  async accept(incoming: Incoming, outcome: FinalOutcome): Promise<void> {
    this.#reply(incoming, outcome);
    await this.acknowledge(incoming);
  }

  /** False when the dead letter could not be stored: the command is not settled then. */
  async bury(incoming: Incoming, { reason, problem, firstFailedAtMs }: Verdict, traceparent?: string): Promise<boolean> {
    const { consumer, deadLetters, log } = this.#ports;
    const place = { streamSeq: incoming.streamSeq, subject: incoming.subject };
    try {
      const { detail: error, correlationId } = problem;
      const more = traceparent === undefined ? {} : { traceparent };
      await deadLetters.store({ incoming, consumer, reason, error, firstFailedAtMs, correlationId, ...more });
    } catch (error) {
      log('warn', 'a dead letter could not be stored', { ...place, error: describe(error) });
      return false;
    }
    const { correlationId } = problem;
    log('warn', 'dead letter', { consumer, reason, ...place, correlationId, ...traceFields(traceparent) });
    await this.accept(incoming, { kind: 'refused', problem });
    return true;
  }

  /** Never rejects: what was not confirmed comes again. */
  async acknowledge(incoming: Incoming): Promise<void> {
    this.#remember(incoming.storedId);
    try {
      if (await incoming.ack()) this.#unconfirmed.delete(incoming.storedId);
    } catch (error) {
      this.#ports.log('warn', 'an acknowledgement was not confirmed', {
        streamSeq: incoming.streamSeq,
        error: describe(error),
      });
    }
  }

  #remember(storedId: string): void {
    this.#unconfirmed.add(storedId);
    const [oldest] = this.#unconfirmed;
    if (this.#unconfirmed.size > UNCONFIRMED_MAX && oldest !== undefined) this.#unconfirmed.delete(oldest);
  }

  #reply(incoming: Incoming, outcome: FinalOutcome): void {
    const subject = replySubjectOf(incoming, this.#ports.replyPrefix);
    if (subject === undefined) return;
    try {
      this.#ports.replies.send(subject, outcome);
    } catch (error) {
      this.#ports.log('warn', 'a reply could not be sent', { streamSeq: incoming.streamSeq, error: describe(error) });
    }
  }
}
