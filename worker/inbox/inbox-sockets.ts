import { SWEEP_EVERY_MS } from '../session/alarm-plan.ts';
import type { SocketPort } from '../session/ports.ts';
import type { Caller } from '../session/tickets.ts';
import { CLOSE_CODES, type CloseReason } from '../../shared/core/codes.ts';
import { HEARTBEAT_MS, HEARTBEATS_MISSED_MAX, INBOX_FRAME_MS, type Limits } from '../../shared/core/limits.ts';
import { TokenBucket } from '../../shared/core/token-bucket.ts';
import type { InboxAnswer } from '../../shared/contract/answers.ts';
import type { InboxPorts } from './ports.ts';

/** What survives hibernation. */
interface Attachment {
  v: 1;
  caller: Caller;
  connectedAtMs: number;
  seenAtMs: number;
  sentRev: number;
}

export interface InboxSocket {
  readonly port: SocketPort;
  readonly frames: TokenBucket;
  caller: Caller;
  connectedAtMs: number;
  seenAtMs: number;
  /** the client has everything up to here */
  sentRev: number;
}

/**
 * The devices of one user, in step: each is sent what changed since the revision that it has. A frame is the state and not
 * a log, so what changes often comes once, and a device that was away gets the newest only. Nothing has to be acknowledged:
 * what can pile up for a slow device is bounded by one frame per INBOX_FRAME_MS.
 */
export class InboxSockets {
  readonly #ports: InboxPorts;
  readonly #limits: Limits;
  readonly #since: (rev: number) => InboxAnswer;
  readonly #sockets = new Map<SocketPort, InboxSocket>();
  #flushing = false;
  #changed = false;

  constructor(ports: InboxPorts, limits: Limits, since: (rev: number) => InboxAnswer) {
    this.#ports = ports;
    this.#limits = limits;
    this.#since = since;
  }

  get size(): number {
    return this.#sockets.size;
  }

  /** After waking: the platform kept the sockets. What an eviction cut off is sent now. */
  restore(): void {
    for (const port of this.#ports.sockets()) {
      const saved = port.load() as Attachment | null | undefined;
      if (saved?.v !== 1) continue;
      const { caller, connectedAtMs, seenAtMs, sentRev } = saved;
      this.#sockets.set(port, { port, frames: this.#bucket(), caller, connectedAtMs, seenAtMs, sentRev });
    }
    if (this.size > 0) this.changed();
  }

  find(port: SocketPort): InboxSocket | undefined {
    return this.#sockets.get(port);
  }

  /** Takes in a socket and sends what it lacks; the first frame comes also when that is nothing. */
  attach(port: SocketPort, caller: Caller, afterRev: number): void {
    const nowMs = this.#ports.nowMs();
    const socket = { port, frames: this.#bucket(), caller, connectedAtMs: nowMs, seenAtMs: nowMs, sentRev: afterRev };
    this.#sockets.set(port, socket);
    this.#send(socket, this.#since(afterRev));
    this.#pump(socket);
  }

  detach(port: SocketPort): void {
    this.#sockets.delete(port);
  }

  drop(socket: InboxSocket, reason: CloseReason, detail: string): void {
    this.#sockets.delete(socket.port);
    socket.port.close(CLOSE_CODES[reason], detail);
  }

  save(socket: InboxSocket): void {
    const { caller, connectedAtMs, seenAtMs, sentRev } = socket;
    const attachment: Attachment = { v: 1, caller, connectedAtMs, seenAtMs, sentRev };
    socket.port.save(attachment);
  }

  /** Something was written: once it is durable every device hears of it. */
  changed(): void {
    this.#changed = true;
    if (this.#flushing || this.size === 0) return;
    this.#flushing = true;
    this.#ports.background(this.#flush());
  }

  /** Closes who ran out of token or heartbeats. */
  sweep(): void {
    const nowMs = this.#ports.nowMs();
    for (const socket of this.#sockets.values()) {
      const seenAtMs = Math.max(socket.seenAtMs, socket.connectedAtMs, socket.port.lastPongMs() ?? 0);
      if (socket.caller.tokenExpiresAtMs <= nowMs) this.drop(socket, 'tokenExpired', 'token expired');
      else if (seenAtMs + HEARTBEATS_MISSED_MAX * HEARTBEAT_MS < nowMs) this.drop(socket, 'restart', 'no heartbeat');
    }
  }

  /** When to sweep next; undefined without sockets. */
  sweepAtMs(): number | undefined {
    if (this.size === 0) return undefined;
    const expiries = [...this.#sockets.values()].map((socket) => socket.caller.tokenExpiresAtMs);
    return Math.min(this.#ports.nowMs() + SWEEP_EVERY_MS, ...expiries);
  }

  async #flush(): Promise<void> {
    try {
      while (this.#changed && this.size > 0) {
        this.#changed = false;
        await this.#ports.synced();
        await this.#ports.nextTurn();
        // devices in step lack the same: it is read and encoded once
        const answers = new Map<number, InboxAnswer>();
        for (const socket of this.#sockets.values()) this.#pump(socket, answers);
        await this.#ports.delay(INBOX_FRAME_MS);
      }
    } catch (error) {
      // the storage failed: the platform resets the object and its sockets come back with their revisions
      this.#ports.log('error', 'an inbox stopped telling its devices', { error: String(error) });
    } finally {
      this.#flushing = false;
    }
  }

  #pump(socket: InboxSocket, answers = new Map<number, InboxAnswer>()): void {
    for (;;) {
      const known = answers.get(socket.sentRev);
      const answer = known ?? this.#since(socket.sentRev);
      if (known === undefined) answers.set(socket.sentRev, answer);
      if (answer.items.length === 0 || !this.#send(socket, answer)) return;
    }
  }

  #send(socket: InboxSocket, answer: InboxAnswer): boolean {
    try {
      socket.port.send(JSON.stringify(answer));
    } catch {
      // it closed under us: its close event may never come
      this.#sockets.delete(socket.port);
      return false;
    }
    socket.sentRev = answer.rev;
    this.save(socket);
    return true;
  }

  #bucket(): TokenBucket {
    return new TokenBucket(this.#limits.framesPerS, this.#limits.framesBurst, this.#ports.nowMs());
  }
}
