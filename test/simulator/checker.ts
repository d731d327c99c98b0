import { isDeepStrictEqual } from 'node:util';
import type { Projection } from '../../consumers/runtime/projection.ts';
import type { Accepted, CommandStatus, TraceAnswer } from '../../shared/contract/answers.ts';
import type { Event } from '../../shared/core/types.ts';
import type { PageItem, Result } from '../../worker/session/api.ts';
import type { Archive } from './archive.ts';
import { isNewestTrace, isOfLater, notNewest, type Build } from './builds.ts';
import type { PublishRequest } from './jetstream/server.ts';
import type { Entry, Ledger } from './ledger.ts';
import type { SessionObject } from './session-object.ts';
import type { Holdings } from './read-models.ts';
import { TENANT } from './edge.ts';
import type { World } from './world.ts';

/** A status never goes back, except `failed` to `persisted` (contract §1). */
const RANKS = { accepted: 0, published: 1, failed: 2, persisted: 3 } as const;

const DEAD_LETTERS = 'MILLRACE_DEAD_LETTERS';
const DEAD_SUBJECT = 'millrace.dead.';

export interface Sighting {
  event: Event;
  /** its envelope as text: what never changes */
  envelope: string;
}

export interface Letter {
  sessionId: string;
  seq: number;
  reason: string;
  consumer: string;
}

/**
 * What the promises say, and nothing of how they are kept: it knows the contract's answers, frames and events, and looks into
 * the tables of edge and store with its own eyes. Much is judged as it is seen, the rest after healing (verdict.ts).
 */
export class Checker {
  readonly world: World;
  readonly archive: Archive;
  /** by session and seq: the one value that anybody may ever see there */
  readonly sightings = new Map<string, Map<number, Sighting>>();
  letters: Letter[] = [];
  /** `session seq` of letters that the server forgot: their events are still at the edge, and failed (docs/guarantees.md) */
  readonly forgottenLetters = new Set<string>();
  /** what somebody who is not the edge published, as long as a stream holds it, and which of it are dead letters */
  readonly garbage = new Set<string>();
  readonly garbageLetters = new Set<string>();
  garbageMayBeLost = false;
  readonly #holdings: Holdings;
  readonly #lastStatus = new Map<string, { status: CommandStatus['status']; heardMs: number }>();
  readonly #floors = new Map<string, number>();
  readonly #deletedAt = new Map<string, number>();
  readonly #notFound: { sessionId: string; promise: string; what: string }[] = [];

  constructor(world: World, holdings: Holdings) {
    this.world = world;
    this.archive = holdings.archive;
    this.#holdings = holdings;
  }

  broke(promise: string, what: string): void {
    this.world.fail(promise, what);
  }

  /** Whoever sees an event says so: one seq has one value everywhere, forever, or its erasure (P2). */
  saw(event: Event, where: string): void {
    const { data, ...rest } = event;
    const envelope = JSON.stringify(rest);
    const session = this.sightings.get(event.sessionid) ?? new Map<number, Sighting>();
    this.sightings.set(event.sessionid, session);
    if (event.type === 'session.deleted') this.#deletedAt.set(event.sessionid, event.seq);
    const known = session.get(event.seq);
    if (known === undefined) return void session.set(event.seq, { event, envelope });
    // whoever parsed it may have its members in another order
    if (known.envelope !== envelope && !isDeepStrictEqual(JSON.parse(known.envelope), rest)) {
      return this.broke('P2', `seq ${event.seq} of ${event.sessionid} is ${envelope} in ${where}, and was ${known.envelope}`);
    }
    if (isErasedData(known.event.data)) session.set(event.seq, { event, envelope });
    else if (!isErasedData(data) && JSON.stringify(data) !== JSON.stringify(known.event.data)) {
      this.broke('P2', `the data of seq ${event.seq} of ${event.sessionid} differs in ${where}`);
    }
  }

  isDeleted(sessionId: string): boolean {
    return this.#deletedAt.has(sessionId);
  }

  /** seq of its session.deleted */
  deletedAt(sessionId: string): number | undefined {
    return this.#deletedAt.get(sessionId);
  }

  accepted(entry: Entry, accepted: Accepted): void {
    if (accepted.correlationId !== entry.correlationId)
      this.broke('P3', `${entry.name} was answered with another's correlation id`);
  }

  /** The same 202 body for the same key (contract §1). */
  answeredAgain(entry: Entry, first: NonNullable<Entry['outcome']>, second: NonNullable<Entry['outcome']>): void {
    if (first.kind !== 'accepted') return;
    const isSame = second.kind === 'accepted' && JSON.stringify(second.accepted) === JSON.stringify(first.accepted);
    if (!isSame) {
      this.broke('P3', `${entry.name} with ${entry.key} was ${JSON.stringify(first)} and then ${JSON.stringify(second)}`);
    }
  }

  /** Own writes are seen (P5): the message that was just answered 202. */
  read(entry: Entry, found: Result<PageItem>): void {
    if (entry.outcome?.kind !== 'accepted') return;
    const { seq, entityId } = entry.outcome.accepted;
    if (!found.ok)
      return this.#unless(entry, found.refusal.code, 'P5', `${entityId} was answered 202 at seq ${seq}, and reading it says`);
    if (found.value.record.seq !== seq) this.broke('P5', `${entityId} is at ${found.value.record.seq}, answered was ${seq}`);
  }

  /** Of two answers the earlier one may come last: only a question asked after an answer was heard has to be told as much. */
  status(entry: Entry, found: Result<CommandStatus>, { askedMs, heardMs }: { askedMs: number; heardMs: number }): void {
    if (entry.outcome?.kind !== 'accepted') return;
    const { seq, commandId } = entry.outcome.accepted;
    if (!found.ok)
      return this.#unless(entry, found.refusal.code, 'P3', `the status of ${commandId}, answered 202 at seq ${seq}, is`);
    const { status } = found.value;
    const last = this.#lastStatus.get(commandId);
    const isLess = last !== undefined && RANKS[status] < RANKS[last.status];
    if (isLess && askedMs >= last.heardMs) this.broke('P6', `${commandId} was ${last.status} and is ${status}`);
    if (!isLess) this.#lastStatus.set(commandId, { status, heardMs });
    if (status === 'persisted' && !this.archived(entry.sessionId, seq)) {
      this.broke('P6', `seq ${seq} of ${entry.sessionId} is said to be persisted, and the archive does not hold it`);
    }
  }

  /** A deleted session is not found, but by its deleter who asks for the deletion; that it is one may be seen only later. */
  #unless(entry: Entry, code: string, promise: string, what: string): void {
    if (code !== 'session_not_found' || entry.name === 'session.delete') return this.broke(promise, `${what} ${code}`);
    this.#notFound.push({ sessionId: entry.sessionId, promise, what: `${what} ${code}` });
  }

  /** What a Session forgot is in the archive, or a dead letter (P6). Called after each commit. */
  committed(object: SessionObject): void {
    const { sessionId } = object.identity;
    const { sql } = object.storage;
    if (sql.exec(`SELECT 1 FROM sqlite_master WHERE name = 'events'`).toArray().length === 0) return;
    const floor = sql.exec<{ seq: number }>('SELECT seq FROM events ORDER BY seq LIMIT 1').toArray()[0]?.seq;
    if (floor === undefined) return;
    const before = this.#floors.get(sessionId) ?? 1;
    if (floor < before) this.broke('P2', `the events of ${sessionId} begin at ${floor} and began at ${before}`);
    for (let seq = before; seq < floor; seq += 1) {
      if (!this.archived(sessionId, seq) && !this.hasLetter(sessionId, seq)) {
        this.broke('P6', `${sessionId} forgot seq ${seq}, which is neither in the archive nor a dead letter`);
      }
    }
    this.#floors.set(sessionId, floor);
  }

  archived(sessionId: string, seq: number): boolean {
    return this.#holdings.isArchived(sessionId, seq);
  }

  /** Whether a read model has an event. */
  holds(consumer: string, event: Event): boolean {
    return this.#holdings.holds(consumer, event);
  }

  /** of the history, or of another consumer */
  hasLetter(sessionId: string, seq: number, consumer = 'history'): boolean {
    return this.letters.some((letter) => letter.sessionId === sessionId && letter.seq === seq && letter.consumer === consumer);
  }

  /** Those of a version that was not known, which somebody redrives once it is; an event that hurts its store hurts it then, too. */
  unknownLetters(): readonly Letter[] {
    return this.letters.filter(({ sessionId, seq, reason, consumer }) => {
      return (
        reason === 'future_version' &&
        (consumer !== 'history' || this.archive.poisonOf({ tenant: TENANT, sessionId }, seq) === undefined)
      );
    });
  }

  /**
   * Whether another read model than the history must have an event in the end. Not one that it buried; nor one that is at the edge
   * alone, as failed, for the server forgot the history's letter (docs/guarantees.md).
   */
  mustReach({ sessionid, seq }: Pick<Event, 'sessionid' | 'seq'>, consumer: string): boolean {
    const isOnlyAtTheEdge = this.forgottenLetters.has(`${sessionid} ${seq}`) && !this.archived(sessionid, seq);
    return !isOnlyAtTheEdge && !this.hasLetter(sessionid, seq, consumer);
  }

  /** What the server stored, of events and of dead letters. */
  stored(stream: string, { subject, data, headers, msgId }: PublishRequest): void {
    const text = new TextDecoder().decode(data);
    if (stream === 'MILLRACE_EVENTS') {
      if (msgId?.startsWith('garbage') === true) return;
      const event = JSON.parse(text) as Event;
      this.saw(event, 'the stream');
      this.archive.maybePoison(event.sessionid, event.seq);
    } else if (stream === DEAD_LETTERS) {
      const reason = headers?.get('Millrace-Reason') ?? '';
      const consumer = subject.slice(DEAD_SUBJECT.length);
      if (text.startsWith('garbage')) return void this.garbageLetters.add(`${consumer} ${text}`);
      const event = JSON.parse(text) as Event;
      this.saw(event, 'a dead letter');
      if (reason === 'future_version' && !isOfLater(event))
        this.broke('P7', `${consumer} says that it does not know ${event.dataschema}`);
      if (this.hasLetter(event.sessionid, event.seq, consumer)) return;
      this.letters.push({ sessionId: event.sessionid, seq: event.seq, reason, consumer });
    }
  }

  /** A letter goes only once its event is where it belongs (P7). */
  removed(stream: string, { subject, data }: Pick<PublishRequest, 'subject' | 'data'>): void {
    if (stream !== DEAD_LETTERS) return;
    const consumer = subject.slice(DEAD_SUBJECT.length);
    const event = JSON.parse(new TextDecoder().decode(data)) as Event;
    const { sessionid, seq } = event;
    if (!this.holds(consumer, event))
      this.broke('P7', `the letter of seq ${seq} of ${sessionid} is gone, and ${consumer} does not have the event`);
    this.#forgetLetter(consumer, sessionid, seq);
  }

  #forgetLetter(consumer: string, sessionId: string, seq: number): void {
    this.letters = this.letters.filter(
      (letter) => letter.sessionId !== sessionId || letter.seq !== seq || letter.consumer !== consumer,
    );
  }

  /** A projection that is seen to be given nothing but the newest version that its build knows (0029): nobody guesses. */
  watched(projection: Projection, build: Build): Projection {
    return {
      ...projection,
      handle: async (batch) => {
        for (const { event, stored } of batch) {
          const why = notNewest(event, build);
          if (why !== undefined) this.broke('nobody guesses', `${projection.name} was handed ${why}`);
          this.saw(stored ?? event, `a delivery to ${projection.name}`);
        }
        return await projection.handle(batch);
      },
    };
  }

  /** What a client reads of traces is in the newest version that the edge knows. */
  traces(sessionId: string, items: readonly TraceAnswer[], build: Build): void {
    for (const { id, metadata } of items) {
      if (!isNewestTrace(metadata, build))
        this.broke('nobody guesses', `trace ${id} of ${sessionId} is read with metadata ${JSON.stringify(metadata)}`);
    }
  }

  /** What a server lost is not the product's to keep, where the edge does not have it: but events and their letters are. */
  forgot(stream: string, { subject, data }: PublishRequest): void {
    const text = new TextDecoder().decode(data);
    if (stream !== 'MILLRACE_EVENTS' && stream !== DEAD_LETTERS) return;
    // sequences come again, and who was late with an ack of one acknowledges another message: nobody can publish garbage again
    this.garbageMayBeLost = true;
    if (text.startsWith('garbage') || stream === 'MILLRACE_EVENTS') return;
    const { sessionid, seq } = JSON.parse(text) as Event;
    const gone = subject.slice(DEAD_SUBJECT.length);
    if (gone === 'history') this.forgottenLetters.add(`${sessionid} ${seq}`);
    this.#forgetLetter(gone, sessionid, seq);
  }

  /** Commands and their events, in the end; see verdict.ts for the rest. */
  ledgerVerdict(ledger: Ledger): void {
    for (const { sessionId, promise, what } of this.#notFound) if (!this.isDeleted(sessionId)) this.broke(promise, what);
    const byCorrelation = new Map<string, Event[]>();
    for (const session of this.sightings.values()) {
      for (const { event } of session.values()) {
        const events = byCorrelation.get(event.correlationid) ?? [];
        byCorrelation.set(event.correlationid, [...events, event]);
      }
    }
    const doubled = this.world.faults.enabled.has('command-repeated');
    for (const entry of ledger.entries) {
      const events = byCorrelation.get(entry.correlationId) ?? [];
      byCorrelation.delete(entry.correlationId);
      this.#entryVerdict(entry, events, doubled);
    }
    for (const [id, events] of byCorrelation) {
      // nobody asks for the end of a stream whose sender is gone
      if (events.length === 1 && events.every(({ type, data }) => type === 'message.created' && isFailedOrErased(data))) continue;
      this.broke('P1', `nobody sent what made ${events[0]?.type} (${id})`);
    }
  }

  #entryVerdict(entry: Entry, events: readonly Event[], doubled: boolean): void {
    const said = `${entry.name} ${entry.key ?? '(no key)'} of ${entry.userId} in ${entry.sessionId}`;
    if (events.length > 1) return this.broke('P1', `${said} took effect at seqs ${events.map(({ seq }) => seq).join(', ')}`);
    const { outcome } = entry;
    if (outcome === undefined) return this.broke('liveness', `${said} was never answered`);
    if (outcome.kind === 'refused') {
      const isOnce = entry.attempts === 1 && !doubled;
      if (events.length > 0 && isOnce) this.broke('P1', `${said} was refused (${outcome.code}) and took effect`);
    } else if (outcome.kind === 'accepted') {
      const { eventId, seq } = outcome.accepted;
      const [event] = events;
      if (eventId === null) {
        if (event !== undefined) this.broke('P1', `${said} was answered without an event and has one`);
      } else if (event?.id !== eventId || event.seq !== seq) {
        this.broke('P3', `${said} was answered 202 with seq ${seq}, and that is gone`);
      }
    }
  }
}

function isFailedOrErased(data: unknown): boolean {
  return isErasedData(data) || (typeof data === 'object' && data !== null && 'status' in data && data.status === 'failed');
}

export function isErasedData(data: unknown): boolean {
  return typeof data === 'object' && data !== null && 'erased' in data;
}
