import type { CloseReason } from '../../shared/core/codes.ts';
import { CLOSE_CODES } from '../../shared/core/codes.ts';
import { HEARTBEAT_MS, WINDOW_BYTES, WINDOW_EVENTS, type Limits } from '../../shared/core/limits.ts';
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
  readonly #connectedAtMs: number;
  #receivedSeq: number;
  /** one entry per frame that is not yet acknowledged: bounded by the window */
  #unacked: { seq: number; bytes: number }[] = [];
  #unackedBytes = 0;
  #savedSeenMs: number;

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

  /** The client has all up to `seq`. Numbers from the future or the past change nothing. */
  received(seq: number): void {
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
