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
import type { Event } from '../../shared/core/types.ts';
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
  #farewells: Farewell[] = [];
  #flushing = false;

  constructor(ports: RoomPorts, events: EventLog, limits: Limits) {
    this.#ports = ports;
    this.#events = events;
    this.#limits = limits;
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

  socketsOf(userId: string): number {
    let count = 0;
    for (const socket of this.#sockets.values()) if (socket.userId === userId) count += 1;
    return count;
  }

  /** Takes in a socket that has everything up to `afterSeq`, and sends it the rest. */
  attach(port: SocketPort, caller: Caller, afterSeq: number, welcome: string): LiveSocket {
    const nowMs = this.#ports.nowMs();
    const socket = new LiveSocket(port, caller, { sentSeq: afterSeq, connectedAtMs: nowMs }, this.#limits, nowMs);
    this.#sockets.set(port, socket);
    port.send(welcome);
    this.pump(socket);
    socket.save();
    return socket;
  }

  detach(port: SocketPort): void {
    this.#sockets.delete(port);
  }

  add(event: Event, encoded: EncodedEvent): void {
    this.#pending.push(encoded);
    if (event.type === 'member.removed') this.#farewells.push({ seq: event.seq, userId: event.subject, reason: 'removed' });
    if (event.type === 'session.deleted') this.#farewells.push({ seq: event.seq, reason: 'sessionDeleted' });
    if (this.#flushing) return;
    this.#flushing = true;
    this.#ports.background(this.#flush());
  }

  /**
   * Sends what is not kept (contract §4) to every socket, or to those that `wanted` picks. One that lags gets nothing:
   * it has older things to read.
   */
  signal(frame: SignalFrame, wanted: (socket: LiveSocket) => boolean = () => true): void {
    let text: string | undefined;
    for (const socket of this.#sockets.values()) {
      if (socket.lagging || !wanted(socket)) continue;
      text ??= JSON.stringify(frame);
      this.#sendText(socket, text);
    }
  }

  received(socket: LiveSocket, seq: number): void {
    socket.received(seq);
    if (socket.lagging) this.pump(socket);
    socket.save();
  }

  /** Feeds a socket from the tail until it has everything or its window is full. */
  pump(socket: LiveSocket): void {
    while (socket.sentSeq < this.#events.head) {
      if (socket.sentSeq + 1 < this.#events.floor) return this.drop(socket, 'tooSlow', 'too far behind: resume');
      const countMax = Math.min(FRAME_EVENTS_MAX, socket.eventsLeft());
      const batch = countMax <= 0 ? [] : this.#events.range(socket.sentSeq + 1, countMax, FRAME_BYTES_MAX);
      const frame = frameOf(batch);
      if (frame === undefined || !socket.fits(frame.events, frame.bytes)) return this.#lag(socket);
      if (!this.#send(socket, frame)) return;
    }
    if (!socket.lagging) return;
    socket.lagging = false;
    socket.fullSinceMs = undefined;
    socket.save();
  }

  drop(socket: LiveSocket, reason: CloseReason, detail: string): void {
    this.#sockets.delete(socket.port);
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

  async #flush(): Promise<void> {
    try {
      while (this.#pending.length > 0) {
        await this.#ports.synced();
        // the answers go first: hundreds of sends would hold them up
        await this.#ports.nextTurn();
        const batch = this.#pending;
        this.#pending = [];
        for (const frame of framesOf(batch)) this.#broadcast(frame);
        this.#sayFarewell(batch.at(-1)?.seq ?? 0);
      }
    } catch (error) {
      // the storage failed: the platform resets the object and its sockets come back with their cursors
      this.#ports.log('error', 'fan-out stopped', { error: String(error) });
    } finally {
      this.#flushing = false;
    }
  }

  #broadcast(frame: Frame): void {
    for (const socket of this.#sockets.values()) {
      if (socket.lagging || socket.sentSeq >= frame.lastSeq) continue;
      if (socket.sentSeq + 1 !== frame.firstSeq) this.pump(socket);
      else if (socket.fits(frame.events, frame.bytes)) this.#send(socket, frame);
      else this.#lag(socket);
    }
  }

  #send(socket: LiveSocket, frame: Frame): boolean {
    return this.#attempt(socket, () => socket.sendEvents(frame.text, frame.lastSeq, frame.bytes));
  }

  #sendText(socket: LiveSocket, text: string): boolean {
    return this.#attempt(socket, () => socket.port.send(text));
  }

  #attempt(socket: LiveSocket, send: () => void): boolean {
    try {
      send();
      return true;
    } catch {
      // it closed under us: its close event may never come
      this.#sockets.delete(socket.port);
      return false;
    }
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
