import {
  clientFrame,
  SUBPROTOCOL,
  TICKET_PROTOCOL_PREFIX,
  type ClientFrame,
  type ServerFrame,
} from '../../shared/contract/frames.ts';
import { parseActingFor } from '../../shared/contract/acting-for.ts';
import { BAD_IDEMPOTENCY_KEY, parseIdempotencyKey } from '../../shared/contract/idempotency-key.ts';
import { parseCommand } from '../../shared/contract/catalogue.ts';
import { problemOf } from '../../shared/contract/problem.ts';
import { rfc3339 } from '../../shared/core/clock.ts';
import { refusal, type Refusal } from '../../shared/core/codes.ts';
import { CORRELATION_ID_PATTERN, TRACEPARENT_PATTERN } from '../../shared/core/ids.ts';
import { HEARTBEAT_MS, INBOUND_FRAME_BYTES_MAX, WINDOW_BYTES, WINDOW_EVENTS } from '../../shared/core/limits.ts';
import { readAccess, type Access } from '../../shared/core/rights.ts';
import { utf8Bytes } from '../../shared/core/text.ts';
import type { Actor } from '../../shared/core/types.ts';
import { ATTR } from '../../shared/telemetry/attributes.ts';
import type { Span } from '../../shared/telemetry/tracer.ts';
import type { ExecuteInput, Executed, Result } from './api.ts';
import type { LiveSocket } from './live-socket.ts';
import { metered } from './meter.ts';
import type { SocketPort } from './ports.ts';
import type { Room } from './room.ts';
import type { Caller } from './tickets.ts';
import * as traced from './traced.ts';

type CommandFrame = Extract<ClientFrame, { type: 'command' }>;

/** What an upgrade asks for; the Worker has checked its form. */
export interface SocketRequest {
  /** the offered subprotocols */
  protocols: readonly string[];
  /** verified by the Worker from an Authorization header */
  caller?: Caller;
  after?: number;
  epoch?: string;
  /** held by the Worker for an HTTP reader of events alone */
  quiet?: boolean;
}

export interface Admission {
  caller: Caller;
  access: Access;
}

const WRONG_PROTOCOL = refusal('invalid_request', `Offer the subprotocol ${SUBPROTOCOL}.`);
const UNAUTHENTICATED = refusal('unauthenticated', 'The ticket is unknown here, used or expired.');

/** Decides on an upgrade. A ticket is used up only here, by the session that issued it. */
export function admit(room: Room, request: SocketRequest): { ok: true; admission: Admission } | { ok: false; refusal: Refusal } {
  const nowMs = room.ports.nowMs();
  const ticket = request.protocols.find((each) => each.startsWith(TICKET_PROTOCOL_PREFIX))?.slice(TICKET_PROTOCOL_PREFIX.length);
  // answering 101 without one of the offered protocols would have a client of another version talk on
  if (request.protocols.length > 0 && !request.protocols.includes(SUBPROTOCOL)) return { ok: false, refusal: WRONG_PROTOCOL };
  let caller = request.caller;
  if (caller === undefined && ticket !== undefined && room.exists) caller = room.tickets.redeem(ticket, nowMs);
  if (caller === undefined || caller.tokenExpiresAtMs <= nowMs) return { ok: false, refusal: UNAUTHENTICATED };
  const found = readAccess(room.view, caller.actor.id);
  if (!found.ok) return found;
  if (room.fanOut.socketsOf(caller.actor.id).length >= room.settings.limits.socketsPerUser) {
    return { ok: false, refusal: refusal('rate_limited', 'Too many sockets of this user in this session.') };
  }
  return { ok: true, admission: { caller, access: found.access } };
}

/** Greets an accepted socket and sends what it missed. */
export function welcome(room: Room, port: SocketPort, admission: Admission, request: SocketRequest): void {
  const { head, floor } = room.events;
  const after = request.after ?? head;
  const sameEpoch = request.epoch === undefined || request.epoch === room.epoch;
  const recovered = sameEpoch && after <= head && after + 1 >= floor;
  const sentSeq = recovered ? after : head;
  const { actor, tokenExpiresAtMs } = admission.caller;
  const frame: ServerFrame = {
    type: 'welcome',
    protocol: 1,
    sessionId: room.identity.sessionId,
    epoch: room.epoch,
    head,
    from: sentSeq + 1,
    recovered,
    readSeq: admission.access.member?.readSeq ?? 0,
    user: { id: actor.id, ...(actor.name === undefined ? {} : { name: actor.name }), kind: actor.kind },
    heartbeatMs: HEARTBEAT_MS,
    window: { events: WINDOW_EVENTS, bytes: WINDOW_BYTES },
    expiresAt: rfc3339(tokenExpiresAtMs),
  };
  const place = { afterSeq: sentSeq, quiet: request.quiet === true };
  room.fanOut.attach(port, admission.caller, place, JSON.stringify(frame));
  room.ports.meter?.socketOpened();
  if (request.after !== undefined) room.ports.meter?.resumed(recovered ? 'resumed' : 'snapshot');
  room.rearm();
}

/** The subprotocol to answer: a client that offered some has its connection failed unless one is echoed. */
export function chosenProtocol(protocols: readonly string[]): string | undefined {
  return protocols.includes(SUBPROTOCOL) ? SUBPROTOCOL : undefined;
}

/**
 * Takes one frame, which reached the object at `arrivedAtMs`. Synchronous to its end, so commands of one socket are taken in the
 * order sent.
 */
export function takeFrame(
  room: Room,
  port: SocketPort,
  message: string | ArrayBuffer,
  arrivedAtMs: number = room.ports.nowMs(),
): void {
  const socket = room.fanOut.find(port);
  if (socket === undefined) return;
  const nowMs = room.ports.nowMs();
  socket.touch(nowMs);
  if (socket.frames.take(nowMs) > 0) return room.fanOut.drop(socket, 'rate', 'too many frames');
  if (socket.caller.tokenExpiresAtMs <= nowMs) return room.fanOut.drop(socket, 'tokenExpired', 'token expired');
  // the auto-response answers `ping` without waking us; it comes here only in the moment between accept and its setting
  if (message === 'ping') return port.send('pong');
  const frame = parseFrame(message);
  if (frame === undefined) return room.fanOut.drop(socket, 'badFrame', 'bad frame');
  if (frame.type === 'received') room.fanOut.received(socket, frame.seq);
  else if (frame.type === 'renew') renew(room, socket, frame.ticket);
  else if (frame.type === 'signal') room.signals.takeFrom(socket, frame.name, frame.data);
  else command(room, socket, frame, arrivedAtMs);
}

function parseFrame(message: string | ArrayBuffer): ClientFrame | undefined {
  if (typeof message !== 'string') return undefined;
  if (message.length > INBOUND_FRAME_BYTES_MAX || utf8Bytes(message) > INBOUND_FRAME_BYTES_MAX) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(message);
  } catch {
    return undefined;
  }
  const parsed = clientFrame.safeParse(json);
  return parsed.success ? parsed.data : undefined;
}

function renew(room: Room, socket: LiveSocket, ticket: string): void {
  const caller = room.tickets.redeem(ticket, room.ports.nowMs());
  if (caller === undefined || caller.actor.id !== socket.userId) {
    return room.fanOut.drop(socket, 'tokenExpired', 'the ticket does not renew this socket');
  }
  socket.caller = caller;
  socket.save();
  room.rearm();
}

function command(room: Room, socket: LiveSocket, frame: CommandFrame, arrivedAtMs: number): void {
  const given = frame.correlationId;
  const correlationId = matches(given, CORRELATION_ID_PATTERN) ? given : room.ports.newId();
  const input = inputOf(socket.caller.actor, frame, correlationId);
  const span = input.ok ? spanOf(room, input.value) : undefined;
  const answer = (result: Result<Executed>): void => {
    if (span !== undefined) endSpan(span, result);
    const said: ServerFrame = result.ok
      ? { type: 'ack', id: frame.id, result: result.value.accepted, ...(result.value.replayed ? { replayed: true } : {}) }
      : { type: 'reject', id: frame.id, error: problemOf(result.refusal, correlationId) };
    socket.port.send(JSON.stringify(said));
  };
  if (!input.ok) {
    room.ports.meter?.refused('socket');
    return answer(input);
  }
  const asked = span === undefined ? input.value : { ...input.value, traceparent: span.traceparent };
  if (!isForAnother(room, asked)) return answer(metered(room, asked, arrivedAtMs));
  const limited = room.limit(asked.actor.id);
  if (limited !== undefined) {
    room.ports.meter?.refused('socket');
    return answer({ ok: false, refusal: limited });
  }
  room.ports.background(answerLater(room, asked, answer));
}

/** A frame is a request: its trace begins here, as one over HTTP begins in the Worker. */
function spanOf(room: Room, { command: { name }, correlationId, traceparent }: ExecuteInput): Span | undefined {
  if (room.tracer.isOff) return undefined;
  return room.tracer.head(`frame ${name}`, traceparent, {
    kind: 'server',
    attributes: {
      [ATTR.door]: 'socket',
      [ATTR.protocolName]: 'websocket',
      [ATTR.command]: name,
      [ATTR.correlationId]: correlationId,
    },
  });
}

function endSpan(span: Span, result: Result<Executed>): void {
  if (!result.ok) {
    span.set({ [ATTR.errorCode]: result.refusal.code });
    if (traced.isFault(result.refusal.code)) span.fail(result.refusal.code);
  }
  span.end();
}

/** A session.create is about another session than the one whose socket carried it, unless it names this very one. */
function isForAnother(room: Room, { command: { name, data } }: ExecuteInput): boolean {
  return name === 'session.create' && data.id !== room.identity.sessionId;
}

async function answerLater(room: Room, input: ExecuteInput, answer: (result: Result<Executed>) => void): Promise<void> {
  try {
    answer(await room.ports.createElsewhere(input));
  } catch (error) {
    room.ports.log('warn', 'a session could not be created over a socket', { error: String(error) });
  }
}

function inputOf(caller: Actor, frame: CommandFrame, correlationId: string): Result<ExecuteInput> {
  const actor = actingAs(caller, frame.actor);
  if ('code' in actor) return { ok: false, refusal: actor };
  const parsed = parseCommand(typeof frame.command === 'string' ? frame.command : '', frame.data);
  if (!parsed.ok) return parsed;
  const { traceparent } = frame;
  const idempotencyKey = parseIdempotencyKey(frame.idempotencyKey);
  if (frame.idempotencyKey !== undefined && idempotencyKey === undefined) {
    return { ok: false, refusal: refusal('invalid_request', BAD_IDEMPOTENCY_KEY) };
  }
  return {
    ok: true,
    value: {
      command: parsed.value,
      actor,
      correlationId,
      door: 'socket',
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
      ...(matches(traceparent, TRACEPARENT_PATTERN) ? { traceparent } : {}),
    },
  };
}

function matches(value: unknown, pattern: RegExp): value is string {
  return typeof value === 'string' && pattern.test(value);
}

function actingAs(caller: Actor, actor: unknown): Actor | Refusal {
  if (actor === undefined) return caller;
  if (caller.service !== true) return refusal('forbidden', 'Only the scope service may act for others.');
  const other = typeof actor === 'string' ? parseActingFor(actor) : undefined;
  if (other === undefined) return refusal('invalid_request', 'actor must be id[;kind].');
  return { ...other, service: true };
}
