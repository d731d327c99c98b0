import type { SignalFrame } from '../../shared/contract/frames.ts';
import type { CloseReason } from '../../shared/core/codes.ts';
import {
  FRAME_BYTES_MAX,
  FRAME_EVENTS_MAX,
  HEARTBEAT_MS,
  HEARTBEATS_MISSED_MAX,
  WINDOW_FULL_MS_MAX,
  type Limits,
} from '../../shared/core/limits.ts';
import { utf8Bytes } from '../../shared/core/text.ts';
import type { Event } from '../../shared/core/types.ts';
import { ATTR } from '../../shared/telemetry/attributes.ts';
import { isSampled } from '../../shared/telemetry/traceparent.ts';
import type { Span } from '../../shared/telemetry/tracer.ts';
import type { EncodedEvent, EventLog } from './event-log.ts';
import { LiveSocket } from './live-socket.ts';
import type { RoomPorts, SocketPort } from './ports.ts';
import type { Caller } from './tickets.ts';

/** Sockets that must go once everyone saw the event of this seq. */
interface Farewell {
  seq: number;
  /** absent: everyone */
  userId?: string;
  reason: CloseReason;
}

interface Frame {
  text: string;
  firstSeq: number;
  lastSeq: number;
  events: number;
  bytes: number;
}

/** What happens to sockets, for those who send more than events. */
export interface SocketEvents {
  arrived(socket: LiveSocket): void;
  /** it has all events: what comes behind them may be sent */
  caughtUp(socket: LiveSocket): void;
  /** it is gone. `atOnce`: for long already, or for good */
  gone(socket: LiveSocket, atOnce: boolean): void;
  /** what was committed goes out next; what must come before it goes out now */
  flushing(): void;
}

/** reasons after which nobody waits for a socket to come back */
const GONE_AT_ONCE: ReadonlySet<CloseReason> = new Set(['removed', 'sessionDeleted', 'restart']);

/**
 * Fan-out: everything that piled up while a commit became durable goes out as one frame, for frames and not events
 * are what costs. A socket whose window is full lags: it is fed from the tail as its client acknowledges.
 */
export class FanOut {
  readonly #ports: RoomPorts;
  readonly #events: EventLog;
  readonly #limits: Limits;
  readonly #sockets = new Map<SocketPort, LiveSocket>();
  #pending: EncodedEvent[] = [];
  /** of what is pending, the events whose trace is recorded: one span each, however many sockets there are */
  #spans: { seq: number; span: Span }[] = [];
  #farewells: Farewell[] = [];
  #flushing = false;
  #asked = false;
  #listener: SocketEvents | undefined;

  constructor(ports: RoomPorts, events: EventLog, limits: Limits) {
    this.#ports = ports;
    this.#events = events;
    this.#limits = limits;
  }

  listen(listener: SocketEvents): void {
    this.#listener = listener;
  }

  get size(): number {
    return this.#sockets.size;
  }

  /** After waking: the platform kept the sockets. */
  restore(): void {
    const nowMs = this.#ports.nowMs();
    const { head } = this.#events;
    const ports = this.#ports.sockets();
    const oldest = ports.reduce((least, port) => Math.min(least, LiveSocket.receivedSeqOf(port) ?? head), head);
    const log = { head, bytesBetween: this.#events.byteSums(oldest) };
    for (const port of ports) {
      const socket = LiveSocket.restore(port, log, this.#limits, nowMs);
      if (socket === undefined) continue;
      this.#sockets.set(port, socket);
      if (socket.lagging) this.pump(socket);
    }
  }

  find(port: SocketPort): LiveSocket | undefined {
    return this.#sockets.get(port);
  }

  sockets(): Iterable<LiveSocket> {
    return this.#sockets.values();
  }

  socketsOf(userId: string): LiveSocket[] {
    return [...this.#sockets.values()].filter((socket) => socket.userId === userId);
  }

  /** Takes in a socket that has everything up to `afterSeq`, and sends it the rest. */
  attach(port: SocketPort, caller: Caller, place: { afterSeq: number; quiet: boolean }, welcome: string): LiveSocket {
    const nowMs = this.#ports.nowMs();
    const socket = new LiveSocket(port, caller, { sentSeq: place.afterSeq, connectedAtMs: nowMs }, this.#limits, nowMs);
    socket.quiet = place.quiet;
    this.#sockets.set(port, socket);
    port.send(welcome);
    this.pump(socket);
    socket.save();
    this.#listener?.arrived(socket);
    if (!socket.lagging) this.#listener?.caughtUp(socket);
    return socket;
  }

  detach(port: SocketPort): void {
    const socket = this.#sockets.get(port);
    if (socket !== undefined) this.#remove(socket, false);
  }

  add(event: Event, encoded: EncodedEvent): void {
    this.#pending.push(encoded);
    this.#trace(event);
    if (event.type === 'member.removed') this.#letGo({ seq: event.seq, userId: event.subject, reason: 'removed' });
    if (event.type === 'session.deleted') this.#letGo({ seq: event.seq, reason: 'sessionDeleted' });
    this.soon();
  }

  /** Flushes once more, in a later turn: what is asked for until then goes with it. */
  soon(): void {
    this.#asked = true;
    if (this.#flushing) return;
    this.#flushing = true;
    this.#ports.background(this.#flush());
  }

  /**
   * Sends what is not kept (contract §4) to every socket, or to those that `wanted` picks. One that lags gets nothing:
   * it has older things to read.
   */
  signal(frame: SignalFrame, wanted: (socket: LiveSocket) => boolean = () => true): void {
    let encoded: { text: string; bytes: number } | undefined;
    for (const socket of this.#sockets.values()) {
      if (socket.lagging || socket.quiet || !wanted(socket)) continue;
      encoded ??= encodeSignal(frame);
      this.sendSignal(socket, encoded.text, encoded.bytes);
    }
  }

  signalTo(socket: LiveSocket, frame: SignalFrame): void {
    if (socket.lagging || socket.quiet) return;
    const { text, bytes } = encodeSignal(frame);
    this.sendSignal(socket, text, bytes);
  }

  /** Sends one encoded signal to one socket. */
  sendSignal(socket: LiveSocket, text: string, bytes: number): void {
    if (socket.leavesAfterSeq !== undefined) return;
    this.#attempt(socket, () => socket.sendSignal(text, bytes, this.#ports.nowMs()));
  }

  received(socket: LiveSocket, seq: number): void {
    socket.received(seq);
    if (socket.lagging) this.pump(socket);
    socket.save();
  }

  /** Feeds a socket from the tail until it has everything or its window is full. */
  pump(socket: LiveSocket): void {
    const last = socket.leavesAfterSeq ?? this.#events.head;
    while (socket.sentSeq < last) {
      if (socket.sentSeq + 1 < this.#events.floor) return this.drop(socket, 'tooSlow', 'too far behind: resume');
      const countMax = Math.min(FRAME_EVENTS_MAX, socket.eventsLeft());
      const batch = countMax <= 0 ? [] : this.#events.range(socket.sentSeq + 1, countMax, FRAME_BYTES_MAX, last);
      const frame = frameOf(batch);
      if (frame === undefined || !socket.fits(frame.events, frame.bytes)) return this.#lag(socket);
      if (!this.#send(socket, frame)) return;
    }
    if (!socket.lagging) return;
    socket.lagging = false;
    socket.fullSinceMs = undefined;
    socket.save();
    this.#listener?.caughtUp(socket);
  }

  drop(socket: LiveSocket, reason: CloseReason, detail: string): void {
    this.#remove(socket, GONE_AT_ONCE.has(reason));
    socket.close(reason, detail);
  }

  /** Closes who ran out of token, patience or heartbeats. */
  sweep(): void {
    const nowMs = this.#ports.nowMs();
    for (const socket of this.#sockets.values()) {
      if (socket.caller.tokenExpiresAtMs <= nowMs) this.drop(socket, 'tokenExpired', 'token expired');
      else if (socket.fullSinceMs !== undefined && socket.fullSinceMs + WINDOW_FULL_MS_MAX <= nowMs) {
        this.drop(socket, 'tooSlow', 'no received frame');
      } else if (socket.seenAtMs() + HEARTBEATS_MISSED_MAX * HEARTBEAT_MS < nowMs) {
        this.drop(socket, 'restart', 'no heartbeat');
      }
    }
  }

  /** When `sweep` has something to close for sure: the earliest expiry or end of patience. */
  deadlineMs(): number | undefined {
    let earliest: number | undefined;
    for (const socket of this.#sockets.values()) {
      const patience = socket.fullSinceMs === undefined ? Number.POSITIVE_INFINITY : socket.fullSinceMs + WINDOW_FULL_MS_MAX;
      const at = Math.min(socket.caller.tokenExpiresAtMs, patience);
      if (earliest === undefined || at < earliest) earliest = at;
    }
    return earliest;
  }

  /** What comes after the removal is not for them, also while the socket is still open. */
  #letGo(farewell: Farewell): void {
    this.#farewells.push(farewell);
    for (const socket of this.#sockets.values()) {
      if (farewell.userId === undefined || farewell.userId === socket.userId) socket.leavesAfterSeq ??= farewell.seq;
    }
  }

  async #flush(): Promise<void> {
    try {
      while (this.#asked) {
        this.#asked = false;
        await this.#ports.synced();
        // the answers go first: hundreds of sends would hold them up
        await this.#ports.nextTurn();
        this.#listener?.flushing();
        const batch = this.#pending;
        this.#pending = [];
        for (const frame of framesOf(batch)) this.#broadcast(frame);
        this.#endSpans(batch.length);
        this.#sayFarewell(batch.at(-1)?.seq ?? 0);
      }
    } catch (error) {
      // the storage failed: the platform resets the object and its sockets come back with their cursors
      this.#ports.log('error', 'fan-out stopped', { error: String(error) });
    } finally {
      this.#flushing = false;
    }
  }

  #trace({ traceparent, seq, type }: Event): void {
    const { tracer } = this.#ports;
    if (tracer === undefined || tracer.isOff || !isSampled(traceparent) || this.#spans.length >= FRAME_EVENTS_MAX) return;
    const span = tracer.child('fan-out', traceparent, { attributes: { [ATTR.seq]: seq, [ATTR.eventType]: type } });
    if (span !== undefined) this.#spans.push({ seq, span });
  }

  #endSpans(events: number): void {
    if (this.#spans.length === 0) return;
    const spans = this.#spans;
    this.#spans = [];
    const sockets = [...this.#sockets.values()];
    for (const { seq, span } of spans) {
      span.set({ [ATTR.sockets]: sockets.filter(({ sentSeq }) => sentSeq >= seq).length, [ATTR.frameEvents]: events });
      span.end();
    }
  }

  #broadcast(frame: Frame): void {
    for (const socket of this.#sockets.values()) {
      if (socket.lagging || socket.sentSeq >= frame.lastSeq) continue;
      const leaves = socket.leavesAfterSeq !== undefined && socket.leavesAfterSeq < frame.lastSeq;
      if (leaves || socket.sentSeq + 1 !== frame.firstSeq) this.pump(socket);
      else if (socket.fits(frame.events, frame.bytes)) this.#send(socket, frame);
      else this.#lag(socket);
    }
  }

  #send(socket: LiveSocket, frame: Frame): boolean {
    return this.#attempt(socket, () => socket.sendEvents(frame.text, frame.lastSeq, frame.bytes));
  }

  #attempt(socket: LiveSocket, send: () => void): boolean {
    try {
      send();
      return true;
    } catch {
      // it closed under us: its close event may never come
      this.#remove(socket, false);
      return false;
    }
  }

  #remove(socket: LiveSocket, atOnce: boolean): void {
    if (this.#sockets.delete(socket.port)) this.#listener?.gone(socket, atOnce);
  }

  #lag(socket: LiveSocket): void {
    socket.lagging = true;
    socket.fullSinceMs ??= this.#ports.nowMs();
    socket.save();
    this.#ports.setAlarm(socket.fullSinceMs + WINDOW_FULL_MS_MAX);
  }

  #sayFarewell(upToSeq: number): void {
    const due = this.#farewells.filter((farewell) => farewell.seq <= upToSeq);
    if (due.length === 0) return;
    this.#farewells = this.#farewells.filter((farewell) => farewell.seq > upToSeq);
    for (const socket of this.#sockets.values()) {
      const mine = due.find((farewell) => farewell.userId === undefined || farewell.userId === socket.userId);
      if (mine !== undefined) this.drop(socket, mine.reason, mine.reason === 'removed' ? 'removed' : 'session deleted');
    }
  }
}

function encodeSignal(frame: SignalFrame): { text: string; bytes: number } {
  const text = JSON.stringify(frame);
  return { text, bytes: utf8Bytes(text) };
}

function frameOf(batch: readonly EncodedEvent[]): Frame | undefined {
  const first = batch[0];
  const last = batch.at(-1);
  if (first === undefined || last === undefined) return undefined;
  return {
    text: `{"type":"events","events":[${batch.map((event) => event.body).join(',')}]}`,
    firstSeq: first.seq,
    lastSeq: last.seq,
    events: batch.length,
    bytes: batch.reduce((sum, event) => sum + event.bytes, 0),
  };
}

function framesOf(batch: readonly EncodedEvent[]): Frame[] {
  const frames: Frame[] = [];
  let part: EncodedEvent[] = [];
  let bytes = 0;
  const cut = (): void => {
    const frame = frameOf(part);
    if (frame !== undefined) frames.push(frame);
    part = [];
    bytes = 0;
  };
  for (const event of batch) {
    if (part.length >= FRAME_EVENTS_MAX || bytes + event.bytes > FRAME_BYTES_MAX) cut();
    part.push(event);
    bytes += event.bytes;
  }
  cut();
  return frames;
}
