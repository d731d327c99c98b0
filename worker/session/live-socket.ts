import type { CloseReason } from '../../shared/core/codes.ts';
import { CLOSE_CODES } from '../../shared/core/codes.ts';
import {
  HEARTBEAT_MS,
  STREAM_EAGER_BYTES_MAX,
  STREAM_PACE_MS,
  WINDOW_BYTES,
  WINDOW_EVENTS,
  type Limits,
} from '../../shared/core/limits.ts';
import type { DeviceStatus } from '../../shared/core/presence.ts';
import { TokenBucket } from '../../shared/core/token-bucket.ts';
import type { SocketPort } from './ports.ts';
import type { Caller } from './tickets.ts';

/** What survives hibernation. `sentSeq` is only kept while the socket lags: a live one has all there is. */
interface Attachment {
  v: 1;
  caller: Caller;
  connectedAtMs: number;
  receivedSeq: number;
  seenAtMs: number;
  lagging?: { sentSeq: number; fullSinceMs?: number };
  quiet?: true;
  away?: true;
  /** since when its user's presence is what it is, over all devices */
  presentSinceMs?: number;
}

/** A socket with its place in the log and its flow-control window (contract §4). */
export class LiveSocket {
  readonly port: SocketPort;
  readonly frames: TokenBucket;
  caller: Caller;
  sentSeq: number;
  /** since when the window has been full */
  fullSinceMs: number | undefined;
  lagging = false;
  lastSeenMs: number;
  /** held by the Worker for an HTTP reader of events: it gets no signals, and nobody is present by it */
  quiet = false;
  device: DeviceStatus = 'online';
  presentSinceMs: number;
  readonly #connectedAtMs: number;
  #receivedSeq: number;
  /** one entry per frame that is not yet acknowledged: bounded by the window */
  #unacked: { seq: number; bytes: number }[] = [];
  #unackedBytes = 0;
  #savedSeenMs: number;
  /** bytes of signals since the last `received` */
  #eagerBytes = 0;
  #pacedUntilMs = 0;

  constructor(
    port: SocketPort,
    caller: Caller,
    place: { sentSeq: number; connectedAtMs: number },
    limits: Limits,
    nowMs: number,
  ) {
    this.port = port;
    this.caller = caller;
    this.sentSeq = place.sentSeq;
    this.#receivedSeq = place.sentSeq;
    this.#connectedAtMs = place.connectedAtMs;
    this.lastSeenMs = nowMs;
    this.#savedSeenMs = nowMs;
    this.presentSinceMs = nowMs;
    this.frames = new TokenBucket(limits.framesPerS, limits.framesBurst, nowMs);
  }

  /** What was acknowledged, as far as an attachment tells. */
  static receivedSeqOf(port: SocketPort): number | undefined {
    return (port.load() as Attachment | null | undefined)?.receivedSeq;
  }

  /** After hibernation: what is unacknowledged is known again from the log. */
  static restore(
    port: SocketPort,
    log: { head: number; bytesBetween: (above: number, to: number) => number },
    limits: Limits,
    nowMs: number,
  ) {
    const saved = port.load() as Attachment | null | undefined;
    if (saved?.v !== 1) return undefined;
    const sentSeq = saved.lagging?.sentSeq ?? log.head;
    const socket = new LiveSocket(port, saved.caller, { sentSeq, connectedAtMs: saved.connectedAtMs }, limits, nowMs);
    socket.lagging = saved.lagging !== undefined;
    socket.fullSinceMs = saved.lagging?.fullSinceMs;
    socket.#receivedSeq = saved.receivedSeq;
    socket.lastSeenMs = saved.seenAtMs;
    socket.#savedSeenMs = saved.seenAtMs;
    socket.quiet = saved.quiet === true;
    socket.device = saved.away === true ? 'away' : 'online';
    socket.presentSinceMs = saved.presentSinceMs ?? saved.connectedAtMs;
    if (sentSeq > saved.receivedSeq) socket.#note(sentSeq, log.bytesBetween(saved.receivedSeq, sentSeq));
    return socket;
  }

  save(): void {
    const attachment: Attachment = {
      v: 1,
      caller: this.caller,
      connectedAtMs: this.#connectedAtMs,
      receivedSeq: this.#receivedSeq,
      seenAtMs: this.lastSeenMs,
      ...(this.lagging
        ? { lagging: { sentSeq: this.sentSeq, ...(this.fullSinceMs === undefined ? {} : { fullSinceMs: this.fullSinceMs }) } }
        : {}),
      ...(this.quiet ? { quiet: true } : { presentSinceMs: this.presentSinceMs }),
      ...(this.device === 'away' ? { away: true } : {}),
    };
    this.port.save(attachment);
    this.#savedSeenMs = this.lastSeenMs;
  }

  /** Notes a sign of life, so that a sweep after hibernation knows of it to within a heartbeat. */
  touch(nowMs: number): void {
    this.lastSeenMs = nowMs;
    if (nowMs - this.#savedSeenMs >= HEARTBEAT_MS) this.save();
  }

  get userId(): string {
    return this.caller.actor.id;
  }

  eventsLeft(): number {
    return WINDOW_EVENTS - (this.sentSeq - this.#receivedSeq);
  }

  fits(events: number, bytes: number): boolean {
    if (this.sentSeq === this.#receivedSeq) return true;
    return events <= this.eventsLeft() && this.#unackedBytes + bytes <= WINDOW_BYTES;
  }

  /** Sends a frame whose last event is `lastSeq`. */
  sendEvents(frame: string, lastSeq: number, bytes: number): void {
    this.port.send(frame);
    this.sentSeq = lastSeq;
    this.#note(lastSeq, bytes);
  }

  /** Sends a frame that is in no window. */
  sendSignal(frame: string, bytes: number, nowMs: number): void {
    this.port.send(frame);
    this.#eagerBytes += bytes;
    if (this.#eagerBytes > STREAM_EAGER_BYTES_MAX) this.#pacedUntilMs = nowMs + STREAM_PACE_MS;
  }

  /**
   * May a signal that can be merged with a later one go out now? The platform does not tell how much waits in a socket, so
   * one whose client has not said `received` for long gets fewer of them.
   */
  takesSignalAt(nowMs: number): boolean {
    return this.#eagerBytes <= STREAM_EAGER_BYTES_MAX || nowMs >= this.#pacedUntilMs;
  }

  /** The client has all up to `seq`. Numbers from the future or the past change nothing. */
  received(seq: number): void {
    // whatever the number is: the client reads
    this.#eagerBytes = 0;
    const upTo = Math.min(seq, this.sentSeq);
    if (upTo <= this.#receivedSeq) return;
    this.#receivedSeq = upTo;
    // it makes progress: patience starts anew when the window is full again
    this.fullSinceMs = undefined;
    while (this.#unacked[0] !== undefined && this.#unacked[0].seq <= upTo) {
      this.#unackedBytes -= this.#unacked[0].bytes;
      this.#unacked.shift();
    }
  }

  close(reason: CloseReason, detail: string): void {
    this.port.close(CLOSE_CODES[reason], detail);
  }

  seenAtMs(): number {
    return Math.max(this.lastSeenMs, this.#connectedAtMs, this.port.lastPongMs() ?? 0);
  }

  #note(seq: number, bytes: number): void {
    this.#unacked.push({ seq, bytes });
    this.#unackedBytes += bytes;
  }
}
