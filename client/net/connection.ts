import { CLOSE_CODES } from '../../shared/core/codes.ts';
import { HEARTBEAT_MS } from '../../shared/core/limits.ts';
import { SUBPROTOCOL, TICKET_PROTOCOL_PREFIX } from '../../shared/core/subprotocol.ts';
import type { Cancel, Environment, SocketLike } from '../environment.ts';
import { asMillraceError, MillraceError } from '../error.ts';
import { fullJitterMs } from './backoff.ts';
import {
  CONNECT_MS_MAX,
  PONG_MS_MAX,
  RATE_WAIT_MS,
  RECONNECT_BASE_MS,
  RECONNECT_MS_MAX,
  RENEW_MS_MIN,
  RESTART_JITTER_MS_MAX,
  STABLE_MS,
  TOKEN_MARGIN_MS,
} from './bounds.ts';
import type { Token, TokenSource } from './token-source.ts';

export type ConnectionStatus =
  /** nobody wants it */
  | 'idle'
  | 'connecting'
  | 'open'
  /** lost; it comes back by itself */
  | 'waiting'
  /** over for good: removed, deleted, not allowed */
  | 'closed';

export interface ConnectionPort {
  /** a ticket, and the token that it was got with */
  ticket(): Promise<{ ticket: string; token: Token }>;
  /** path and query of the socket, asked for each time: it carries the cursor */
  path(): string;
  /** the size is that of the frame in UTF-16 units */
  /** a socket that says nothing at first counts as open at once */
  silentAtFirst?: boolean;
  onFrame(frame: Record<string, unknown>, chars: number): void;
  onStatus(status: ConnectionStatus, error: MillraceError | undefined): void;
}

const SOCKET_OPEN = 1;

/** A socket that is there for as long as it is wanted: tickets, heartbeats, renewal, and reconnection with full jitter. */
export class Connection {
  readonly #environment: Environment;
  readonly #tokens: TokenSource;
  readonly #port: ConnectionPort;
  #status: ConnectionStatus = 'idle';
  #socket: SocketLike | undefined;
  /** rises with every attempt: what is of an earlier one is not listened to */
  #turn = 0;
  #attempt = 0;
  #heartbeatMs = HEARTBEAT_MS;
  #openedAtMs = 0;
  #cancelWait: Cancel = () => {};
  #cancelBeat: Cancel = () => {};
  #cancelPong: Cancel | undefined;
  #cancelRenew: Cancel = () => {};
  #stopListening: Cancel = () => {};

  constructor(environment: Environment, tokens: TokenSource, port: ConnectionPort) {
    this.#environment = environment;
    this.#tokens = tokens;
    this.#port = port;
  }

  get status(): ConnectionStatus {
    return this.#status;
  }

  /** Wanted. After `closed` it tries again. */
  start(): void {
    if (this.#status !== 'idle' && this.#status !== 'closed') return;
    this.#stopListening = this.#environment.signsOfLife.subscribe((sign) => {
      if (sign !== 'offline') this.#nudge();
    });
    this.#attempt = 0;
    void this.#connect();
  }

  /** No longer wanted. */
  stop(): void {
    if (this.#status === 'idle') return;
    this.#leave();
    this.#stopListening();
    this.#say('idle');
  }

  /** False when there is no open socket. */
  send(frame: object): boolean {
    if (this.#status !== 'open' || this.#socket === undefined) return false;
    // what is sent while it is closing goes nowhere, and nobody says so
    if ((this.#socket.readyState ?? SOCKET_OPEN) !== SOCKET_OPEN) return false;
    try {
      this.#socket.send(JSON.stringify(frame));
      return true;
    } catch {
      // it closed under us; its close event follows
      return false;
    }
  }

  /** Gives this socket up and resumes: what came over it cannot be right, or could not be completed. */
  resume(error: MillraceError): void {
    if (this.#status === 'connecting' || this.#status === 'open') this.#lost(error, this.#backoffMs(error));
  }

  /** Over for good. */
  end(error: MillraceError): void {
    this.#leave();
    this.#stopListening();
    this.#say('closed', error);
  }

  /** The first frame came: from here on it beats, and renews its token before `expiresAtMs`. */
  opened(heartbeatMs: number, expiresAtMs: number): void {
    this.#cancelWait();
    this.#heartbeatMs = heartbeatMs;
    this.#openedAtMs = this.#environment.now();
    this.#beatLater();
    this.#renewBefore(expiresAtMs);
    this.#say('open');
  }

  async #connect(): Promise<void> {
    const turn = (this.#turn += 1);
    const { after, url, WebSocket } = this.#environment;
    if (WebSocket === undefined) return this.end(new MillraceError('protocol', 'No WebSocket here: give one in the options.'));
    this.#cancelWait();
    this.#cancelWait = after(CONNECT_MS_MAX, () => {
      const error = new MillraceError('timeout', 'The socket did not open in time.');
      this.#lost(error, this.#backoffMs(error));
    });
    this.#say('connecting');
    try {
      const { ticket, token } = await this.#port.ticket();
      if (turn !== this.#turn) return;
      const address = url.replace(/^http/, 'ws') + this.#port.path();
      this.#listen(new WebSocket(address, [SUBPROTOCOL, TICKET_PROTOCOL_PREFIX + ticket]), turn, token);
    } catch (error) {
      if (turn === this.#turn) this.#refused(asMillraceError(error));
    }
  }

  #listen(socket: SocketLike, turn: number, token: Token): void {
    this.#socket = socket;
    socket.addEventListener('open', () => {
      if (turn === this.#turn && this.#port.silentAtFirst === true) this.opened(HEARTBEAT_MS, token.expiresAtMs);
    });
    socket.addEventListener('message', ({ data }) => {
      if (turn !== this.#turn || typeof data !== 'string') return;
      this.#cancelPong?.();
      this.#cancelPong = undefined;
      if (data === 'pong') return;
      this.#take(data);
    });
    socket.addEventListener('close', ({ code, reason }) => {
      if (turn === this.#turn) this.#closed(code, reason);
    });
    // the close event that follows tells more; unheard it would be an unhandled error in some runtimes
    socket.addEventListener('error', () => {});
  }

  #take(data: string): void {
    let frame: unknown;
    try {
      frame = JSON.parse(data);
    } catch {
      frame = undefined;
    }
    if (typeof frame === 'object' && frame !== null) this.#port.onFrame(frame as Record<string, unknown>, data.length);
    else this.resume(new MillraceError('protocol', 'A frame that is no JSON object.'));
  }

  /** No ticket: for good when the request itself is refused, else for a while. */
  #refused(error: MillraceError): void {
    const forGood = !error.transient && error.status >= 400 && error.status !== 401;
    if (forGood) this.end(error);
    else this.#lost(error, Math.max(error.retryAfterMs ?? 0, this.#backoffMs(error)));
  }

  /** Contract §4: what a close code asks for. */
  #closed(code: number, reason: string): void {
    const error = closeError(code, reason);
    const { random } = this.#environment;
    if (code === CLOSE_CODES.badFrame || code === CLOSE_CODES.removed || code === CLOSE_CODES.sessionDeleted)
      return this.end(error);
    if (code === CLOSE_CODES.tokenExpired) this.#tokens.refuse();
    const backoffMs = this.#backoffMs(error);
    if (code === CLOSE_CODES.rate) return this.#lost(error, RATE_WAIT_MS + Math.max(backoffMs, random() * RATE_WAIT_MS));
    const expected = code === CLOSE_CODES.restart || code === CLOSE_CODES.tooSlow || code === CLOSE_CODES.tokenExpired;
    // the first return after a planned close is soon; if that fails it is a failure like any other
    if (expected && this.#attempt === 1) return this.#lost(error, random() * RESTART_JITTER_MS_MAX);
    this.#lost(error, backoffMs);
  }

  /** How long to wait before the next attempt, which this one counts towards. */
  #backoffMs(error: MillraceError): number {
    const { now, random } = this.#environment;
    if (this.#status === 'open' && now() - this.#openedAtMs >= STABLE_MS) this.#attempt = 0;
    const jitter = fullJitterMs(this.#attempt, RECONNECT_BASE_MS, RECONNECT_MS_MAX, random);
    this.#attempt += 1;
    return Math.max(error.retryAfterMs ?? 0, jitter);
  }

  #lost(error: MillraceError, waitMs: number): void {
    this.#leave();
    this.#cancelWait = this.#environment.after(waitMs, () => void this.#connect());
    this.#say('waiting', error);
  }

  /** Lets go of socket and timers; what still comes from them is not listened to. */
  #leave(): void {
    this.#turn += 1;
    this.#cancelWait();
    this.#cancelBeat();
    this.#cancelRenew();
    this.#cancelPong?.();
    this.#cancelPong = undefined;
    const socket = this.#socket;
    this.#socket = undefined;
    try {
      socket?.close(1000, '');
    } catch {
      // closed already
    }
  }

  /** The network is back, or somebody looks at the page again: see at once whether the socket lives. */
  #nudge(): void {
    if (this.#status === 'waiting') void this.#connect();
    else if (this.#status === 'open') this.#ping();
  }

  #beatLater(): void {
    this.#cancelBeat();
    this.#cancelBeat = this.#environment.after(this.#heartbeatMs, () => {
      this.#ping();
      if (this.#status === 'open') this.#beatLater();
    });
  }

  #ping(): void {
    try {
      this.#socket?.send('ping');
    } catch {
      // its close event, or the missing pong, says so
    }
    this.#cancelPong ??= this.#environment.after(PONG_MS_MAX, () => {
      const error = new MillraceError('timeout', 'The server does not answer.');
      this.#lost(error, this.#backoffMs(error));
    });
  }

  #renewBefore(expiresAtMs: number): void {
    this.#cancelRenew();
    if (!Number.isFinite(expiresAtMs)) return;
    const leftMs = Math.max(0, expiresAtMs - this.#environment.now());
    // later than the token source's own margin, so that it asks for a fresh one
    const inMs = Math.max(leftMs - Math.min(TOKEN_MARGIN_MS, leftMs / 5), Math.min(RENEW_MS_MIN, leftMs));
    this.#cancelRenew = this.#environment.after(inMs, () => void this.#renew(this.#turn, expiresAtMs));
  }

  async #renew(turn: number, expiresAtMs: number): Promise<void> {
    try {
      const { ticket, token } = await this.#port.ticket();
      if (turn !== this.#turn) return;
      this.send({ type: 'renew', ticket });
      if (token.expiresAtMs > expiresAtMs) return this.#renewBefore(token.expiresAtMs);
    } catch {
      // should it stay so, the socket closes with 4401 and comes back by way of a ticket, which says why not
    }
    if (turn === this.#turn && this.#environment.now() < expiresAtMs) this.#renewBefore(expiresAtMs);
  }

  #say(status: ConnectionStatus, error?: MillraceError): void {
    this.#status = status;
    this.#port.onStatus(status, error);
  }
}

function closeError(code: number, reason: string): MillraceError {
  if (code === CLOSE_CODES.removed) return new MillraceError('removed', 'Removed from the session.');
  if (code === CLOSE_CODES.sessionDeleted)
    return new MillraceError('session_not_found', 'The session was deleted.', { status: 404 });
  if (code === CLOSE_CODES.badFrame) return new MillraceError('protocol', `The server did not understand a frame: ${reason}`);
  if (code === CLOSE_CODES.tokenExpired) return new MillraceError('unauthenticated', 'The token has expired.', { status: 401 });
  if (code === CLOSE_CODES.rate) return new MillraceError('rate_limited', 'Too many frames.', { status: 429 });
  return new MillraceError('network', `The socket closed (${code}).`);
}
