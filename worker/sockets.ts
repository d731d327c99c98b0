import { problemOf } from '../shared/contract/problem.ts';
import type { Refusal } from '../shared/core/codes.ts';
import { SOCKET_HEADERS } from './session/api.ts';
import type { SocketPort } from './session/ports.ts';
import type { Caller } from './session/tickets.ts';

/** What objects with hibernatable sockets have in common on the platform's side. */

const CLOSE_CODE_NORMAL = 1000;
/** RFC 6455 §7.4.1: what a browser reports, never what a frame may carry */
const CLOSE_CODES_UNSENT = new Set([1005, 1006, 1015]);

/** The sockets of one object, each always by the same port. Answers the heartbeat without waking the object. */
export class SocketPorts {
  readonly #state: DurableObjectState;
  readonly #ports = new WeakMap<WebSocket, SocketPort>();

  constructor(state: DurableObjectState) {
    this.#state = state;
    state.setWebSocketAutoResponse(new WebSocketRequestResponsePair('ping', 'pong'));
  }

  of(socket: WebSocket): SocketPort {
    let port = this.#ports.get(socket);
    if (port === undefined) {
      port = {
        send: (text) => socket.send(text),
        close: (code, reason) => socket.close(code, reason),
        save: (attachment) => socket.serializeAttachment(attachment),
        load: () => socket.deserializeAttachment() as unknown,
        lastPongMs: () => this.#state.getWebSocketAutoResponseTimestamp(socket)?.getTime(),
      };
      this.#ports.set(socket, port);
    }
    return port;
  }

  all(): SocketPort[] {
    return (
      this.#state
        .getWebSockets()
        // those we closed may still be listed
        .filter((socket) => socket.readyState === WebSocket.READY_STATE_OPEN)
        .map((socket) => this.of(socket))
    );
  }
}

/** Takes an upgrade; `begin` is given the port before anything can arrive by it. */
export function acceptUpgrade(
  state: DurableObjectState,
  ports: SocketPorts,
  protocol: string | undefined,
  begin: (port: SocketPort) => void,
): Response {
  const pair = new WebSocketPair();
  const server = pair[1];
  state.acceptWebSocket(server);
  begin(ports.of(server));
  return new Response(null, {
    status: 101,
    webSocket: pair[0],
    headers: protocol === undefined ? {} : { 'Sec-WebSocket-Protocol': protocol },
  });
}

/** Without an answer the client's side of the close waits until it times out; a code that was not on the wire may not be sent. */
export function answerClose(socket: WebSocket, code: number, reason: string): void {
  socket.close(CLOSE_CODES_UNSENT.has(code) ? CLOSE_CODE_NORMAL : code, reason);
}

export function offeredProtocols(request: Request): string[] {
  return (request.headers.get('Sec-WebSocket-Protocol') ?? '')
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
}

/** Whose token the Worker verified: it wrote this header, and removed any that a client sent. */
export function verifiedCaller(request: Request): Caller | undefined {
  const caller = request.headers.get(SOCKET_HEADERS.caller);
  return caller === null ? undefined : (JSON.parse(decodeURIComponent(caller)) as Caller);
}

export function refuseUpgrade(reason: Refusal, correlationId: string): Response {
  const problem = problemOf(reason, correlationId);
  return Response.json(problem, { status: problem.status, headers: { 'Content-Type': 'application/problem+json' } });
}

/** What opens a socket: beyond guessing. */
const TICKET_SECRET_BYTES = 32;

export function newTicketSecret(): string {
  return base64Url(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(TICKET_SECRET_BYTES))));
}

function base64Url(binary: string): string {
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
