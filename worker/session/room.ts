import type { Accepted } from '../../shared/contract/answers.ts';
import type { Receipt } from '../../shared/contract/internal.ts';
import { apply } from '../../shared/core/apply.ts';
import { rfc3339 } from '../../shared/core/clock.ts';
import { refusal, type Refusal } from '../../shared/core/codes.ts';
import { applyNote } from '../../shared/core/apply-note.ts';
import { endOfStream } from '../../shared/core/commands/stream-end.ts';
import { decide } from '../../shared/core/decide.ts';
import type { Decision, Note } from '../../shared/core/decision.ts';
import { EVENT_VERSIONS, type EventVersions } from '../../shared/core/event.ts';
import { EVENT_BYTES_MAX, type Limits } from '../../shared/core/limits.ts';
import { MemoryState } from '../../shared/core/memory-state.ts';
import type { SessionView } from '../../shared/core/state.ts';
import { canonicalJson } from '../../shared/core/text.ts';
import type { Event } from '../../shared/core/types.ts';
import { NO_TRACER, type Tracer } from '../../shared/telemetry/tracer.ts';
import { nextAlarmMs } from './alarm-plan.ts';
import type { ExecuteInput, Executed, Result, SessionIdentity } from './api.ts';
import { CommandLog } from './command-log.ts';
import { EmbeddedStore } from './embedded-store.ts';
import { encodeEvent, EventLog, type EncodedEvent } from './event-log.ts';
import { FanOut } from './fan-out.ts';
import { InboxFeed } from './inbox-feed.ts';
import { Outbox } from './outbox.ts';
import type { RoomPorts } from './ports.ts';
import { ProgressLog } from './progress-log.ts';
import { Rates } from './rates.ts';
import { Repair } from './repair.ts';
import { Retention, type Tail } from './retention.ts';
import { migrate, schemaVersion } from './schema.ts';
import { Signals } from './signals.ts';
import { SqlState } from './sql-state.ts';
import { Streams } from './streams.ts';
import { Tickets } from './tickets.ts';

/** after a commit something must wake the object should it die before it published */
const GUARD_ALARM_MS = 10_000;
const COMMAND_ID_TAKEN = 'A command with this commandId was accepted before in the session.';
/** the same for what Inboxes are to be told: users look for it within 2 s */
const INBOX_GUARD_MS = 1_000;
const EMPTY: SessionView = new MemoryState();

export interface RoomSettings {
  publicUrl: string;
  limits: Limits;
  /** absent: as the contract says; a simulation keeps less, so that it gets to what was trimmed */
  tail?: Tail;
  /** absent: those of this build */
  versions?: EventVersions;
}

/**
 * One session: the only sequencer (design decision 2). Everything a command does happens in one synchronous
 * section, for input gates do not cover `fetch` and WebSocket I/O. The shell is session.ts.
 */
export class Room {
  readonly identity: SessionIdentity;
  readonly ports: RoomPorts;
  readonly settings: RoomSettings;
  readonly tracer: Tracer;
  readonly events: EventLog;
  readonly state: SqlState;
  readonly commands: CommandLog;
  readonly progress: ProgressLog;
  readonly tickets: Tickets;
  readonly outbox: Outbox;
  readonly fanOut: FanOut;
  readonly retention: Retention;
  readonly repair: Repair;
  readonly streams: Streams;
  readonly signals: Signals;
  /** the ports, with an alarm that parts may ask for and none of them owns */
  readonly asking: RoomPorts;
  readonly inboxes: InboxFeed;
  readonly #rates: Rates;
  readonly #embedded: EmbeddedStore;
  #schema: number;
  #epoch = '';
  #alarmAtMs: number | undefined;

  constructor(identity: SessionIdentity, ports: RoomPorts, settings: RoomSettings) {
    this.identity = identity;
    this.ports = ports;
    this.settings = settings;
    this.tracer = ports.tracer ?? NO_TRACER;
    this.events = new EventLog(ports.sql, settings.versions);
    this.commands = new CommandLog(ports.sql);
    this.streams = new Streams(ports, this.commands);
    this.state = new SqlState(ports.sql, this.events, this.streams);
    this.progress = new ProgressLog(ports.sql);
    this.tickets = new Tickets(ports.sql, ports.digest);
    // one alarm, one owner: parts only ask to be woken by a time, and never put off another's
    this.asking = { ...ports, setAlarm: (atMs) => this.#wakeBy(atMs) };
    this.outbox = new Outbox(this.asking, this.events, this.progress, identity);
    this.fanOut = new FanOut(this.asking, this.events, settings.limits);
    this.signals = new Signals(this);
    this.fanOut.listen(this.signals);
    this.retention = new Retention(ports, this.events, this.progress, settings.tail);
    this.repair = new Repair(identity, this.asking, this, settings.limits.repairAfterMs);
    this.inboxes = new InboxFeed(identity.sessionId, this.asking, this.events, this.state);
    this.#rates = new Rates(settings.limits, ports.nowMs());
    this.#embedded = new EmbeddedStore(settings.limits.embeddedMessages);
    this.#schema = schemaVersion(ports.sql);
    if (this.#schema === 0) return;
    ports.transaction(() => migrate(ports.sql, this.#schema));
    this.#load();
    this.fanOut.restore();
    this.signals.presence.restore();
    this.outbox.kick();
    this.inboxes.outbox.kick();
  }

  /** Called once after waking with the alarm that is set: waking is the one sure moment to arm one that was lost. */
  woke(alarmAtMs: number | undefined): void {
    this.#alarmAtMs ??= alarmAtMs;
    if (this.exists) this.#arm();
  }

  get exists(): boolean {
    return this.#schema > 0;
  }

  get epoch(): string {
    return this.#epoch;
  }

  /** What the core may look at; empty until the session was created. */
  get view(): SessionView {
    return this.exists ? this.state : EMPTY;
  }

  /** Decides and commits one command. Synchronous: the answer leaves once the platform made the commit durable. */
  execute(input: ExecuteInput): Result<Executed> {
    const nowMs = this.ports.nowMs();
    const limited = this.limit(input.actor.id);
    if (limited !== undefined) return { ok: false, refusal: limited };
    const fingerprint = this.#fingerprint(input);
    const replay = this.#replay(input, fingerprint);
    if (replay !== undefined) return replay;
    const decision = decide(this.view, input.command, {
      sessionId: this.identity.sessionId,
      actor: input.actor,
      nowMs,
      newId: () => this.ports.newId(),
    });
    if (decision.kind === 'refused') return { ok: false, refusal: decision.refusal };
    if (this.#isTaken(input.commandId, nowMs)) return { ok: false, refusal: refusal('conflict', COMMAND_ID_TAKEN) };
    if (decision.kind !== 'unchanged') {
      const backlog = decision.kind === 'accepted' ? this.#overload() : undefined;
      const overloaded = backlog ?? this.#embedded.refusalOf(input.command.name, this.state.lastOrdinal(), nowMs);
      if (overloaded !== undefined) return { ok: false, refusal: overloaded };
    }
    return this.#commit(input, decision, fingerprint, nowMs);
  }

  /** Takes a token of the rates; the refusal when there is none. */
  limit(userId: string): Refusal | undefined {
    return this.#rates.take(userId, this.ports.nowMs());
  }

  takeReceipt(receipt: Receipt, embeddedMessages?: number): void {
    if (!this.exists) return;
    this.#embedded.note(embeddedMessages, this.state.lastOrdinal(), this.ports.nowMs());
    this.retention.take(receipt);
    this.#arm();
  }

  /** Catches everything and always re-arms: the platform drops an alarm after six exceptions. */
  async alarm(): Promise<void> {
    this.#alarmAtMs = undefined;
    if (!this.exists) return;
    try {
      // not awaited: in a session that is read all the time it might never be empty
      this.inboxes.outbox.kick();
      if ((this.outbox.retryAtMs ?? 0) <= this.ports.nowMs()) {
        this.outbox.retryAtMs = undefined;
        await this.outbox.drain();
      }
      this.repair.kick();
      this.retention.trim();
      this.commands.sweep(this.ports.nowMs());
      this.fanOut.sweep();
      this.signals.presence.expire();
      this.#endIdleStreams();
    } catch (error) {
      this.ports.log('error', 'alarm failed', { error: String(error) });
    } finally {
      this.#arm();
    }
  }

  /** Sets the alarm for what is next; also called by the socket door after a socket came. */
  rearm(): void {
    this.#arm();
  }

  #commit(
    input: ExecuteInput,
    decision: Exclude<Decision, { kind: 'refused' }>,
    fingerprint: string,
    nowMs: number,
  ): Result<Executed> {
    const commandId = input.commandId ?? this.ports.newId();
    const answer: Accepted = {
      commandId,
      sessionId: this.identity.sessionId,
      seq: this.view.head(),
      eventId: null,
      entityId: decision.entityId,
      correlationId: input.correlationId,
      acceptedAt: rfc3339(nowMs),
    };
    const stamped = decision.kind === 'accepted' ? this.#stamp(input, decision, commandId, nowMs) : undefined;
    if (stamped !== undefined && stamped.encoded.bytes > EVENT_BYTES_MAX) {
      return { ok: false, refusal: refusal('payload_too_large', `The encoded event is over ${EVENT_BYTES_MAX} bytes.`) };
    }
    const accepted: Accepted = {
      ...answer,
      ...(stamped === undefined ? {} : { seq: stamped.event.seq, eventId: stamped.event.id }),
      ...(decision.kind === 'unchanged' ? { unchanged: true } : {}),
    };
    try {
      this.ports.transaction(() => {
        if (stamped !== undefined) this.#write(stamped, accepted, input, nowMs);
        if (decision.kind === 'noted') this.#keep(decision.note);
        if (input.idempotencyKey !== undefined) {
          const key = [input.actor.id, input.idempotencyKey, { fingerprint, answer: accepted }, nowMs] as const;
          // a chunk is not durable yet, and so its key need not be: they are stored together
          if (input.command.name === 'stream.append') this.commands.deferKey(input.command.data.messageId, ...key);
          else this.commands.putKey(...key);
        }
      });
    } catch (error) {
      this.#schema = schemaVersion(this.ports.sql);
      if (this.exists) this.#load();
      else this.#forget();
      throw error;
    }
    if (stamped !== undefined) this.#committed(stamped, input, nowMs);
    if (decision.kind === 'noted') this.signals.noted(decision.note, input.actor);
    this.#tellInboxes(nowMs);
    return { ok: true, value: { accepted, replayed: false } };
  }

  #stamp(input: ExecuteInput, decision: Extract<Decision, { kind: 'accepted' }>, commandId: string, nowMs: number) {
    const { stamp } = this.settings.versions ?? EVENT_VERSIONS;
    const event = stamp(this.view, decision.event, {
      eventId: this.ports.newId(),
      tenant: this.identity.tenant,
      sessionId: this.identity.sessionId,
      publicUrl: this.settings.publicUrl,
      nowMs,
      actor: decision.author ?? input.actor,
      correlationId: input.correlationId,
      commandId,
      ...(input.traceparent === undefined ? {} : { traceparent: input.traceparent }),
    });
    return { event: event as Event, encoded: encodeEvent(event, nowMs) };
  }

  #write(stamped: { event: Event; encoded: EncodedEvent }, accepted: Accepted, input: ExecuteInput, nowMs: number): void {
    if (!this.exists) this.#create();
    this.events.append(stamped.event, stamped.encoded);
    apply(this.state, stamped.event);
    this.inboxes.note(stamped.event);
    this.commands.put({
      commandId: accepted.commandId,
      type: input.command.name,
      seq: stamped.event.seq,
      eventId: stamped.event.id,
      actor: input.actor.id,
      acceptedAt: nowMs,
    });
  }

  /** Nobody asks for it, so it is nobody's to refuse: the message of an author who vanished, as far as it came. */
  #endIdleStreams(): void {
    const nowMs = this.ports.nowMs();
    for (const stream of this.streams.idleSince(nowMs)) {
      const end = endOfStream(this.view, stream, { status: 'failed', nowMs });
      const command = { name: 'stream.finish' as const, data: { messageId: stream.id, status: 'failed' as const } };
      this.#commit({ command, actor: stream.starter, correlationId: this.ports.newId() }, end, '', nowMs);
    }
  }

  /** What is noted is kept in the same transaction as its idempotency key. */
  #keep(note: Note): void {
    applyNote(this.state, note);
    if (note.kind === 'read') this.inboxes.noteRead(note.userId, note.seq);
  }

  #tellInboxes(nowMs: number): void {
    if (!this.inboxes.outbox.waiting) return;
    this.#wakeBy(nowMs + INBOX_GUARD_MS);
    this.inboxes.outbox.kick();
  }

  #committed(stamped: { event: Event; encoded: EncodedEvent }, input: ExecuteInput, nowMs: number): void {
    this.retention.committed(stamped.encoded.bytes);
    this.signals.committed(stamped.event, input);
    this.fanOut.add(stamped.event, stamped.encoded);
    this.outbox.kick();
    this.#wakeBy(nowMs + GUARD_ALARM_MS);
  }

  #create(): void {
    migrate(this.ports.sql, 0);
    this.#epoch = this.ports.newId();
    const rows = { tenant: this.identity.tenant, session_id: this.identity.sessionId, epoch: this.#epoch };
    for (const [key, value] of Object.entries(rows))
      this.ports.sql.exec(`INSERT INTO meta (key, value) VALUES (?, ?)`, key, value);
    this.#schema = schemaVersion(this.ports.sql);
  }

  #load(): void {
    this.#epoch = this.ports.sql.exec<{ value: string }>(`SELECT value FROM meta WHERE key = 'epoch'`).toArray()[0]?.value ?? '';
    this.events.load();
    this.progress.load();
    // their chunks were in memory alone
    this.commands.forgetDeferredKeys();
    this.streams.load();
    this.state.load();
    this.retention.load();
    this.inboxes.outbox.load();
  }

  #forget(): void {
    this.events.reset();
    this.streams.reset();
    this.state.reset();
    this.inboxes.outbox.reset();
  }

  #fingerprint(input: ExecuteInput): string {
    return input.idempotencyKey === undefined ? '' : this.ports.digest(canonicalJson([input.command.name, input.command.data]));
  }

  /** Before rights and state: whoever was answered 202 gets the same answer again (contract §1). */
  #replay(input: ExecuteInput, fingerprint: string): Result<Executed> | undefined {
    if (input.idempotencyKey === undefined || !this.exists) return undefined;
    const found = this.commands.findKey(input.actor.id, input.idempotencyKey);
    if (found === undefined) return undefined;
    if (found.fingerprint !== fingerprint) {
      return { ok: false, refusal: refusal('idempotency_key_reused', 'This key was used for another command or other data.') };
    }
    return { ok: true, value: { accepted: found.answer, replayed: true } };
  }

  /** A given id names one command: with its key it is a repetition, without it another command that nobody could tell apart. */
  #isTaken(commandId: string | undefined, nowMs: number): boolean {
    return commandId !== undefined && this.exists && this.commands.find(commandId, nowMs) !== undefined;
  }

  #overload(): Refusal | undefined {
    const { unpersistedEvents, unpersistedBytes } = this.settings.limits;
    const waiting = this.events.head - this.progress.persisted;
    if (waiting < unpersistedEvents && this.retention.unpersistedBytes < unpersistedBytes) return undefined;
    return refusal('overloaded', 'Too much of this session waits to be persisted. Try again later.', { retryAfterMs: 5_000 });
  }

  #arm(): void {
    const nowMs = this.ports.nowMs();
    const repairDueMs = this.repair.dueMs();
    const deadline = this.fanOut.deadlineMs();
    const streamDeadline = this.streams.deadlineMs();
    const presenceDeadline = this.signals.presence.deadlineMs();
    const at = nextAlarmMs({
      nowMs,
      ...(this.outbox.waiting ? { outboxRetryAtMs: this.outbox.retryAtMs ?? nowMs + GUARD_ALARM_MS } : {}),
      ...(this.inboxes.outbox.waiting ? { inboxRetryAtMs: this.inboxes.outbox.retryAtMs ?? nowMs + INBOX_GUARD_MS } : {}),
      ...(repairDueMs === undefined ? {} : { repairDueMs }),
      trimmable: this.retention.trimmable,
      trimsOn: this.retention.trimsOn,
      ...(deadline === undefined ? {} : { socketDeadlineMs: deadline }),
      openSockets: this.fanOut.size,
      ...(streamDeadline === undefined ? {} : { streamDeadlineMs: streamDeadline }),
      ...(presenceDeadline === undefined ? {} : { presenceDeadlineMs: presenceDeadline }),
    });
    if (at !== undefined) this.#wakeBy(at);
  }

  #wakeBy(atMs: number): void {
    if (this.#alarmAtMs === undefined || atMs < this.#alarmAtMs) this.#setAlarm(atMs);
  }

  #setAlarm(atMs: number): void {
    this.#alarmAtMs = atMs;
    this.ports.setAlarm(atMs);
  }
}
