import { DurableObject } from 'cloudflare:workers';
import { createHash } from 'node:crypto';
import { v7 } from 'uuid';
import type { CommandStatus, MemberAnswer, PresenceAnswer, SessionAnswer } from '../../shared/contract/answers.ts';
import type { InboundSignal } from '../../shared/contract/backend.ts';
import type { AuditedSession } from '../../shared/contract/audit.ts';
import type { Receipt } from '../../shared/contract/internal.ts';
import { rfc3339 } from '../../shared/core/clock.ts';
import { refusal } from '../../shared/core/codes.ts';
import { limitsFrom } from '../../shared/core/limits.ts';
import { readAccess } from '../../shared/core/rights.ts';
import type { Actor } from '../../shared/core/types.ts';
import type { Env } from '../env.ts';
import { inboxTeller } from '../inbox/stub.ts';
import { log } from '../log.ts';
import {
  acceptUpgrade,
  answerClose,
  newTicketSecret,
  offeredProtocols,
  refuseUpgrade,
  SocketPorts,
  verifiedCaller,
} from '../sockets.ts';
import { sealTicket } from '../ticket.ts';
import { tracerOf } from '../telemetry/tracing.ts';
import { uplinkOf } from '../uplink/pool.ts';
import { uplinkPublisher, type Aside } from '../uplink/publisher.ts';
import {
  SOCKET_HEADERS,
  type EventsAt,
  type EventsPage,
  type EventsQuery,
  type ExecuteInput,
  type Executed,
  type InboxesPage,
  type MessagesPage,
  type MessagesQuery,
  type Overview,
  type FoundMessages,
  type PageItem,
  type PageQuery,
  type ReceiptTrace,
  type Result,
  type SessionApi,
  type SessionIdentity,
  type TracePage,
  type TracesPage,
  type UserChange,
} from './api.ts';
import { auditDigestsOf, auditEventsOf, auditInboxesOf } from './audit.ts';
import { eventsAt } from './events-at.ts';
import { metered, meterOf, type SessionMeter } from './meter.ts';
import { newSessionId } from './new-session-id.ts';
import type { RoomPorts } from './ports.ts';
import * as queries from './queries.ts';
import { Room } from './room.ts';
import { admit, chosenProtocol, takeFrame, welcome, type SocketRequest } from './socket-door.ts';
import { sessionStub } from './stub.ts';
import * as traceQueries from './trace-queries.ts';
import * as traced from './traced.ts';
import { Turns } from './turns.ts';

/** The thin shell of a session's room: platform in, platform out. One object per tenant and session. */
export class Session extends DurableObject<Env> implements SessionApi {
  #room: Room | undefined;
  #alarmKnown = false;
  readonly #turns = new Turns({
    nextTurn: (callback) => setTimeout(callback, 0),
    background: (work) => this.ctx.waitUntil(work),
  });
  readonly #sockets: SocketPorts;
  readonly #meter: SessionMeter | undefined;

  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
    this.#sockets = new SocketPorts(state);
    this.#meter = meterOf(env, {
      synced: () => state.storage.sync(),
      background: (work) => state.waitUntil(work),
      nowMs: () => Date.now(),
    });
    const identity = storedIdentity(state.storage.sql);
    if (identity !== undefined) this.#room = this.#open(identity);
  }

  /**
   * The alarm as the platform has it, learnt on the first call after waking. Not in the constructor: setting an alarm
   * there would cancel the very alarm that wakes the object.
   */
  #learnAlarm(room: Room): void {
    if (this.#alarmKnown) return;
    this.#alarmKnown = true;
    const learn = async (): Promise<void> => {
      try {
        room.woke((await this.ctx.storage.getAlarm()) ?? undefined);
      } catch (error) {
        room.ports.log('error', 'the alarm is unknown', { error: String(error) });
        room.woke(undefined);
      }
    };
    this.ctx.waitUntil(learn());
  }

  async execute(identity: SessionIdentity, input: ExecuteInput): Promise<Result<Executed>> {
    const room = this.#at(identity);
    const arrivedAtMs = Date.now();
    return new Promise((resolve, reject) => {
      this.#turns.run(() => {
        try {
          resolve(metered(room, input, arrivedAtMs));
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  async commandStatus(identity: SessionIdentity, actor: Actor, commandId: string): Promise<Result<CommandStatus>> {
    return queries.commandStatus(this.#at(identity), actor, commandId);
  }

  async describe(identity: SessionIdentity, actor: Actor): Promise<Result<SessionAnswer>> {
    return queries.describe(this.#at(identity), actor);
  }

  async members(
    identity: SessionIdentity,
    actor: Actor,
    query: { cursor?: string; limit: number },
  ): Promise<Result<{ items: MemberAnswer[]; nextCursor?: string }>> {
    return queries.members(this.#at(identity), actor, query);
  }

  async presence(
    identity: SessionIdentity,
    actor: Actor,
    query: { cursor?: string; limit: number },
  ): Promise<Result<{ items: PresenceAnswer[]; nextCursor?: string }>> {
    return queries.presence(this.#at(identity), actor, query);
  }

  async messages(identity: SessionIdentity, actor: Actor, query: MessagesQuery): Promise<Result<MessagesPage>> {
    return queries.messages(this.#at(identity), actor, query);
  }

  async message(identity: SessionIdentity, actor: Actor, messageId: string): Promise<Result<PageItem>> {
    return queries.message(this.#at(identity), actor, messageId);
  }

  async found(identity: SessionIdentity, actor: Actor, messageIds: readonly string[]): Promise<FoundMessages> {
    return queries.foundMessages(this.#at(identity), actor, messageIds);
  }

  async traces(identity: SessionIdentity, actor: Actor, query: PageQuery): Promise<Result<TracesPage>> {
    return traceQueries.traces(this.#at(identity), actor, query);
  }

  async traceById(identity: SessionIdentity, actor: Actor, traceId: string, query: PageQuery): Promise<Result<TracePage>> {
    return traceQueries.trace(this.#at(identity), actor, traceId, query);
  }

  async events(identity: SessionIdentity, actor: Actor, query: EventsQuery): Promise<Result<EventsPage>> {
    return queries.events(this.#at(identity), actor, query);
  }

  async eventsAt(identity: SessionIdentity, seqs: readonly number[]): Promise<EventsAt> {
    return eventsAt(this.#at(identity), seqs);
  }

  async issueTicket(
    identity: SessionIdentity,
    actor: Actor,
    tokenExpiresAtMs: number,
  ): Promise<Result<{ ticket: string; expiresAt: string }>> {
    const room = this.#at(identity);
    const found = readAccess(room.view, actor.id);
    if (!found.ok) return found;
    const limited = room.limit(actor.id);
    if (limited !== undefined) return { ok: false, refusal: limited };
    const ticket = sealTicket(identity.tenant, newTicketSecret());
    const expiresAtMs = room.tickets.issue(ticket, { actor, tokenExpiresAtMs }, room.ports.nowMs());
    return { ok: true, value: { ticket, expiresAt: rfc3339(expiresAtMs) } };
  }

  async takeSignals(identity: SessionIdentity, signals: readonly InboundSignal[]): Promise<void> {
    const room = this.#at(identity);
    // commands that came before have their turn first
    this.#turns.settle();
    if (room.exists) room.signals.takeInbound(signals);
  }

  async takeReceipt(receipt: Receipt, embeddedMessages?: number, traces: readonly ReceiptTrace[] = []): Promise<void> {
    if (this.#room === undefined) return;
    this.#learnAlarm(this.#room);
    traced.takeReceipt(this.#room, receipt, embeddedMessages, traces);
  }

  async overview(identity: SessionIdentity, actor: Actor): Promise<Overview | undefined> {
    return queries.overview(this.#at(identity), actor);
  }

  async inboxChanges(identity: SessionIdentity, named: readonly string[]): Promise<UserChange[]> {
    const room = this.#at(identity);
    return room.exists ? room.inboxes.changesFor(named) : [];
  }

  async auditDigests(identity: SessionIdentity, from: number): Promise<AuditedSession | undefined> {
    return auditDigestsOf(this.#at(identity), from);
  }

  async auditEvents(identity: SessionIdentity, from: number, to: number): Promise<string[]> {
    return auditEventsOf(this.#at(identity), from, to);
  }

  async auditInboxes(identity: SessionIdentity, after: string): Promise<InboxesPage> {
    return auditInboxesOf(this.#at(identity), after);
  }

  /** The socket upgrade, handed over by the Worker with SOCKET_HEADERS. */
  override async fetch(request: Request): Promise<Response> {
    const header = (name: string): string => request.headers.get(name) ?? '';
    const room = this.#at({ tenant: header(SOCKET_HEADERS.tenant), sessionId: header(SOCKET_HEADERS.sessionId) });
    const asked = socketRequest(request);
    const decision = admit(room, asked);
    if (!decision.ok) {
      if (asked.after !== undefined) this.#meter?.resumed('refused');
      return refuseUpgrade(decision.refusal, header(SOCKET_HEADERS.correlationId));
    }
    return acceptUpgrade(this.ctx, this.#sockets, chosenProtocol(asked.protocols), (port) =>
      welcome(room, port, decision.admission, asked),
    );
  }

  override async webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    const room = this.#room;
    if (room === undefined) return;
    this.#learnAlarm(room);
    const port = this.#sockets.of(socket);
    const arrivedAtMs = Date.now();
    this.#turns.run(() => {
      try {
        takeFrame(room, port, message, arrivedAtMs);
      } catch (error) {
        room.ports.log('error', 'a frame was not taken', { error: String(error) });
        port.close(1011, 'internal error');
      }
    });
  }

  override async webSocketClose(socket: WebSocket, code: number, reason: string): Promise<void> {
    // what it sent before it closed counts
    this.#turns.settle();
    this.#room?.fanOut.detach(this.#sockets.of(socket));
    answerClose(socket, code, reason);
  }

  override async webSocketError(socket: WebSocket): Promise<void> {
    this.#turns.settle();
    this.#room?.fanOut.detach(this.#sockets.of(socket));
  }

  override async alarm(): Promise<void> {
    this.#alarmKnown = true;
    await this.#room?.alarm();
  }

  /** An object that was never created is opened on nothing: reading it writes nothing. */
  #at(identity: SessionIdentity): Room {
    this.#room ??= this.#open(identity);
    this.#learnAlarm(this.#room);
    return this.#room;
  }

  #open(identity: SessionIdentity): Room {
    return new Room(identity, this.#platform(identity), {
      publicUrl: this.env.PUBLIC_URL ?? '',
      limits: limitsFrom({ ...this.env }),
    });
  }

  #platform(identity: SessionIdentity): RoomPorts {
    const { storage } = this.ctx;
    const context = { tenant: identity.tenant, session: identity.sessionId };
    return {
      sql: storage.sql,
      transaction: (section) => storage.transactionSync(section),
      synced: () => storage.sync(),
      setAlarm: (atMs) => this.ctx.waitUntil(storage.setAlarm(atMs)),
      createElsewhere: (input) => this.#createElsewhere(identity.tenant, input),
      nextTurn: () => new Promise((resolve) => setTimeout(resolve, 0)),
      delay: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      background: (work) => this.ctx.waitUntil(work),
      sockets: () => this.#sockets.all(),
      publisher: uplinkPublisher(
        () => uplinkOf(this.env, identity.tenant, identity.sessionId),
        () => this.#report(),
      ),
      ...(this.#meter === undefined ? {} : { meter: this.#meter }),
      tellInbox: inboxTeller(this.env, identity.tenant),
      tracer: tracerOf(this.env, (work) => this.ctx.waitUntil(work)),
      nowMs: () => Date.now(),
      random: () => Math.random(),
      newId: () => v7(),
      digest: (text) => createHash('sha256').update(text).digest('hex'),
      log: (level, message, fields) => log(level, message, { ...context, ...fields }),
    };
  }

  /** What leaves with a publish, for metrics. */
  #report(): ReturnType<Aside> {
    const counts = this.#meter?.take();
    const sockets = this.#room?.fanOut.size ?? 0;
    return { session: this.ctx.id.toString(), sockets, ...(counts === undefined ? {} : { counts }) };
  }

  /** What the Worker does for the HTTP door: the id first, then the Session of that id decides. */
  async #createElsewhere(tenant: string, input: ExecuteInput): Promise<Result<Executed>> {
    const { command, actor, idempotencyKey } = input;
    const given = command.name === 'session.create' ? command.data.id : undefined;
    const identity = { tenant, sessionId: given ?? (await newSessionId(tenant, actor.id, idempotencyKey)) };
    try {
      return await sessionStub(this.env, identity).execute(identity, input);
    } catch (error) {
      this.#room?.ports.log('warn', 'another session did not answer', { error: String(error) });
      const detail = 'The session did not answer. Whether it was created is unknown: repeat the command with its key.';
      return { ok: false, refusal: refusal('unavailable', detail) };
    }
  }
}

function storedIdentity(sql: SqlStorage): SessionIdentity | undefined {
  if (sql.exec(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'meta'`).toArray().length === 0) return undefined;
  const rows = sql
    .exec<{ key: string; value: string }>(`SELECT key, value FROM meta WHERE key IN ('tenant', 'session_id')`)
    .toArray();
  const tenant = rows.find((row) => row.key === 'tenant')?.value;
  const sessionId = rows.find((row) => row.key === 'session_id')?.value;
  return tenant === undefined || sessionId === undefined ? undefined : { tenant, sessionId };
}

function socketRequest(request: Request): SocketRequest {
  const url = new URL(request.url);
  const after = url.searchParams.get('after');
  const epoch = url.searchParams.get('epoch');
  const caller = verifiedCaller(request);
  return {
    protocols: offeredProtocols(request),
    ...(caller === undefined ? {} : { caller }),
    ...(after === null || after === '' ? {} : { after: Number(after) }),
    ...(epoch === null ? {} : { epoch }),
    quiet: request.headers.get(SOCKET_HEADERS.quiet) === '1',
  };
}
