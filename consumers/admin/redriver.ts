import type { AdminResult } from '../../shared/contract/admin.ts';
import type { CommandOutcome, RelayedCommand } from '../../shared/contract/internal.ts';
import type { Problem } from '../../shared/contract/problem.ts';
import { commandSubject } from '../../shared/contract/subjects.ts';
import { isErased, type Event } from '../../shared/core/types.ts';
import { HISTORY_DURABLE } from '../projections/history.ts';
import { readCommand, type CommandMessage, type ReplyPrefix } from '../relay/command-message.ts';
import type { FinalOutcome } from '../relay/replies.ts';
import type { EventPlace } from '../runtime/incoming.ts';
import { keptHere, LETTER_HEADERS } from '../runtime/letter-headers.ts';
import { originalSubject, ownerOf } from '../runtime/letter-owner.ts';
import { headerOf, storedIdOf } from '../runtime/letters.ts';
import type { Redriven } from '../runtime/redrive.ts';
import type { AdminLog, Operator } from './admin-log.ts';
import { consumerOf, count, isCommand, isOf, letterId, positionOf, saidBy, timeOf, type StoredLetter } from './letter.ts';
import { AdminRefused } from './refused.ts';
import type { Deadline } from './responder.ts';
import type { StreamReader } from './stream-reader.ts';

/** what storing the line and removing the letter may take of the time that there is for an answer */
const END_MS = 500;

export interface HandOver {
  msMax: number;
  /** of whoever asked for it */
  traceparent: string | undefined;
}

export interface RedriverPorts {
  letters: StreamReader;
  /** MILLRACE_EVENTS: the whole payload of a letter whose own is cut */
  events: Pick<StreamReader, 'read'>;
  /** the event as its Session has it now; undefined when it has none there. Rejects when the edge is away. */
  eventNow: (place: EventPlace) => Promise<Event | undefined>;
  /** gives an event to one worker of a consumer. Never rejects. */
  handOver: (consumer: string, event: Event, publishedAtMs: number, call: HandOver) => Promise<Redriven>;
  /** Gives a command to its Session, as the relay does. Rejects when the edge is away. */
  execute: (message: CommandMessage, command: RelayedCommand) => Promise<CommandOutcome>;
  /** tells whoever published it, if they asked for it; must not throw */
  reply: (message: CommandMessage, outcome: FinalOutcome) => void;
  /** what a reply subject begins with; absent: any */
  replyPrefix?: ReplyPrefix | undefined;
  /** Tells a Session that the history will not have an event. Rejects when it was not told. */
  tellFailed: (place: EventPlace, failure: { code: string; consumer: string; atMs: number }) => Promise<void>;
  log: AdminLog;
  /** what a deadline is measured by; absent: the system's */
  now?: () => number;
}

type Plan =
  | { as: 'event' | 'erased'; event: Event; publishedAtMs: number }
  | { as: 'command'; message: CommandMessage; command: RelayedCommand };

/**
 * Brings dead letters to an end, one by one: what it was about takes effect, or somebody decides that it never will; a line of the
 * log says who, and only then the letter goes. Each step may happen twice, so asking again is always right.
 */
export class Redriver {
  readonly #ports: RedriverPorts;

  constructor(ports: RedriverPorts) {
    this.#ports = ports;
  }

  /** The letter of an id. Throws not_found for one that is gone, never was, or is of another tenant. */
  async find(id: string, tenant: string): Promise<StoredLetter> {
    const position = positionOf(id);
    const letter = position === undefined ? undefined : await this.#ports.letters.read(position);
    if (letter === undefined || letterId(letter) !== id || !isOf(letter, tenant)) {
      throw new AdminRefused('not_found', 'There is no such dead letter: it was redriven or discarded, or never was one.');
    }
    return letter;
  }

  /** What a redrive of it would be. Changes nothing. */
  async plan(letter: StoredLetter): Promise<Plan> {
    return isCommand(letter) ? commandOf(letter, this.#ports.replyPrefix) : await this.#planEvent(letter);
  }

  async redrive(
    letter: StoredLetter,
    operator: Operator,
    { untilMs, traceparent }: Deadline,
  ): Promise<AdminResult<'deadLetters.redrive'>> {
    const consumer = consumerOf(letter);
    const plan = await this.plan(letter);
    if (plan.as === 'command') await this.#execute(consumer, plan);
    else {
      const { now = Date.now } = this.#ports;
      const msMax = Math.max(1, untilMs - END_MS - now());
      requireTaken(consumer, await this.#ports.handOver(consumer, plan.event, plan.publishedAtMs, { msMax, traceparent }));
    }
    await this.#end(letter, operator, 'deadLetters.redrive', { as: plan.as });
    return { id: letterId(letter), consumer, outcome: 'redriven', as: plan.as };
  }

  /** What the Session says is the answer: to publish it once more would only promise that it will be looked at. */
  async #execute(consumer: string, { message, command }: Extract<Plan, { as: 'command' }>): Promise<void> {
    const { execute, reply } = this.#ports;
    const outcome = await execute(message, command);
    if (outcome.kind === 'later') throw new AdminRefused('unavailable', saidOf(outcome.problem));
    if (outcome.kind === 'refused') throw cannotTake(consumer, saidOf(outcome.problem));
    reply(message, outcome);
  }

  async discard(letter: StoredLetter, operator: Operator): Promise<AdminResult<'deadLetters.discard'>> {
    await this.#tellFailed(letter);
    await this.#end(letter, operator, 'deadLetters.discard', {});
    return { id: letterId(letter), consumer: consumerOf(letter), outcome: 'discarded' };
  }

  /** Whoever buried it may have died before the Session heard, and the letter is all that would still say it. */
  async #tellFailed(letter: StoredLetter): Promise<void> {
    const consumer = consumerOf(letter);
    const { tenant, sessionId } = ownerOf(letter);
    const { seq } = saidBy(letter, letter.data);
    if (consumer !== HISTORY_DURABLE || tenant === undefined || sessionId === undefined || seq === undefined) return;
    const code = headerOf(letter, LETTER_HEADERS.reason) ?? '';
    await this.#ports.tellFailed({ tenant, sessionId, seq }, { code, consumer, atMs: letter.atMs });
  }

  async #planEvent(letter: StoredLetter): Promise<Plan> {
    const place = await this.#placeOf(letter);
    const event = await this.#ports.eventNow(place);
    if (event === undefined || event.tenant !== place.tenant || event.sessionid !== place.sessionId) {
      throw new AdminRefused('conflict', `The session has no event ${place.seq}: the message was not one of its own.`);
    }
    const publishedAtMs = timeOf(letter, [LETTER_HEADERS.publishedAt, LETTER_HEADERS.firstFailedAt]);
    return { as: isErased(event) ? 'erased' : 'event', event, publishedAtMs };
  }

  /** The session by the subject, which the publisher's rights vouch for; only the seq is the payload's. */
  async #placeOf(letter: StoredLetter): Promise<EventPlace> {
    const { tenant, sessionId } = ownerOf(letter);
    const { seq } = saidBy(letter, await this.#wholePayload(letter));
    if (tenant === undefined || sessionId === undefined || seq === undefined) {
      throw new AdminRefused('conflict', 'It cannot be told which event this was: it can only be discarded.');
    }
    return { tenant, sessionId, seq };
  }

  async #wholePayload(letter: StoredLetter): Promise<Uint8Array> {
    if (headerOf(letter, LETTER_HEADERS.payloadBytes) === undefined) return letter.data;
    const streamSeq = count(headerOf(letter, LETTER_HEADERS.streamSeq));
    const original = streamSeq === 0 ? undefined : await this.#ports.events.read(streamSeq);
    // a stream that was made again has others under the same sequences
    const isSame = original?.subject === originalSubject(letter) && startsWith(original.data, letter.data);
    if (original === undefined || !isSame) {
      throw new AdminRefused(
        'conflict',
        'Its payload was cut, and the stream no longer holds the whole: it can only be discarded.',
      );
    }
    return original.data;
  }

  /** Once the line is there the letter goes. Another who was faster had the same effect: that is no failure. */
  async #end(letter: StoredLetter, { tenant, ...who }: Operator, action: string, more: object): Promise<void> {
    const { letters, log } = this.#ports;
    const details = {
      consumer: consumerOf(letter),
      reason: headerOf(letter, LETTER_HEADERS.reason) ?? '',
      subject: originalSubject(letter),
      streamSeq: count(headerOf(letter, LETTER_HEADERS.streamSeq)),
      ...more,
    };
    const target = letterId(letter);
    await log.write({ tenant, ...who }, { action, target, details }, `${action}.${target}`);
    await letters.remove(letter.position);
  }
}

function requireTaken(consumer: string, said: Redriven): void {
  if (said.outcome === 'taken') return;
  if (said.outcome === 'later') throw new AdminRefused('unavailable', said.detail);
  throw cannotTake(consumer, `${said.reason}: ${said.detail}`);
}

function cannotTake(consumer: string, why: string): AdminRefused {
  return new AdminRefused('conflict', `${consumer} cannot take it: ${why}`);
}

function saidOf({ code, detail }: Pick<Problem, 'code' | 'detail'>): string {
  return `${code}: ${detail}`;
}

/** As it was published. Its key, or the one that the relay had derived, makes a second time harmless. */
function commandOf(letter: StoredLetter, prefixOf: ReplyPrefix | undefined): Extract<Plan, { as: 'command' }> {
  const { tenant, sessionId } = ownerOf(letter);
  const subject = originalSubject(letter);
  if (tenant === undefined || sessionId === undefined || subject !== commandSubject(tenant, sessionId)) {
    throw new AdminRefused('conflict', 'It was published for no session: it can only be discarded.');
  }
  if (headerOf(letter, LETTER_HEADERS.payloadBytes) !== undefined) {
    throw new AdminRefused('conflict', 'Its payload was cut, and a settled command is nowhere else: it can only be discarded.');
  }
  const headers = letter.headers.filter(([name]) => !keptHere(name));
  const message = { subject, data: letter.data, headers, storedId: storedIdOf(letter) ?? `redrive.${letterId(letter)}` };
  const read = readCommand(message, prefixOf);
  if (!read.ok) throw cannotTake(consumerOf(letter), saidOf(read.refusal));
  return { as: 'command', message, command: read.command };
}

function startsWith(whole: Uint8Array, beginning: Uint8Array): boolean {
  return Buffer.compare(whole.subarray(0, beginning.length), beginning) === 0;
}
