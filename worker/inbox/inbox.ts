import { DurableObject } from 'cloudflare:workers';
import { createHash } from 'node:crypto';
import type { InboxAnswer } from '../../shared/contract/answers.ts';
import type { InboxChange } from '../../shared/core/inbox.ts';
import { limitsFrom } from '../../shared/core/limits.ts';
import type { Actor } from '../../shared/core/types.ts';
import type { Env } from '../env.ts';
import { log } from '../log.ts';
import { SOCKET_HEADERS, type Result } from '../session/api.ts';
import { chosenProtocol } from '../session/socket-door.ts';
import {
  acceptUpgrade,
  answerClose,
  newTicketSecret,
  offeredProtocols,
  refuseUpgrade,
  SocketPorts,
  verifiedCaller,
} from '../sockets.ts';
import { sealInboxTicket } from '../ticket.ts';
import type { InboxApi, InboxIdentity, InboxPage } from './api.ts';
import type { InboxPorts } from './ports.ts';
import { InboxRoom, type InboxUpgrade } from './room.ts';

/** The thin shell of an inbox's room: platform in, platform out. One object per tenant and user. */
export class Inbox extends DurableObject<Env> implements InboxApi {
  #room: InboxRoom | undefined;
  readonly #sockets: SocketPorts;

  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
    this.#sockets = new SocketPorts(state);
    const identity = storedIdentity(state.storage.sql);
    if (identity !== undefined) this.#room = this.#open(identity);
  }

  async take(identity: InboxIdentity, changes: readonly InboxChange[]): Promise<void> {
    this.#at(identity).take(changes);
  }

  async page(identity: InboxIdentity, query: { cursor?: string; limit: number }): Promise<Result<InboxPage>> {
    return this.#at(identity).page(query);
  }

  async sessionIds(identity: InboxIdentity, limit: number): Promise<string[]> {
    return this.#at(identity).sessionIds(limit);
  }

  async since(identity: InboxIdentity, after: number): Promise<InboxAnswer> {
    return this.#at(identity).since(after);
  }

  async entry(identity: InboxIdentity, sessionId: string): Promise<InboxChange | undefined> {
    return this.#at(identity).entry(sessionId);
  }

  async issueTicket(
    identity: InboxIdentity,
    actor: Actor,
    tokenExpiresAtMs: number,
  ): Promise<Result<{ ticket: string; expiresAt: string }>> {
    const ticket = sealInboxTicket(identity.tenant, identity.userId, newTicketSecret());
    return this.#at(identity).issueTicket(ticket, actor, tokenExpiresAtMs);
  }

  /** The socket upgrade, handed over by the Worker with SOCKET_HEADERS. */
  override async fetch(request: Request): Promise<Response> {
    const header = (name: string): string => request.headers.get(name) ?? '';
    const room = this.#at({ tenant: header(SOCKET_HEADERS.tenant), userId: header(SOCKET_HEADERS.userId) });
    const asked = upgradeOf(request);
    const admitted = room.admit(asked);
    if (!admitted.ok) return refuseUpgrade(admitted.refusal, header(SOCKET_HEADERS.correlationId));
    return acceptUpgrade(this.ctx, this.#sockets, chosenProtocol(asked.protocols), (port) =>
      room.welcome(port, admitted.value, asked.after),
    );
  }

  override async webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    const port = this.#sockets.of(socket);
    try {
      this.#room?.takeFrame(port, message);
    } catch (error) {
      log('error', 'a frame was not taken', { inbox: this.#room?.identity.userId, error: String(error) });
      port.close(1011, 'internal error');
    }
  }

  override async webSocketClose(socket: WebSocket, code: number, reason: string): Promise<void> {
    this.#room?.sockets.detach(this.#sockets.of(socket));
    answerClose(socket, code, reason);
  }

  override async webSocketError(socket: WebSocket): Promise<void> {
    this.#room?.sockets.detach(this.#sockets.of(socket));
  }

  override async alarm(): Promise<void> {
    this.#room?.alarm();
  }

  /** An object that was never written to is opened on nothing: reading it writes nothing. */
  #at(identity: InboxIdentity): InboxRoom {
    this.#room ??= this.#open(identity);
    return this.#room;
  }

  #open(identity: InboxIdentity): InboxRoom {
    return new InboxRoom(identity, this.#platform(identity), limitsFrom({ ...this.env }));
  }

  #platform(identity: InboxIdentity): InboxPorts {
    const { storage } = this.ctx;
    const context = { tenant: identity.tenant, inbox: identity.userId };
    return {
      sql: storage.sql,
      transaction: (section) => storage.transactionSync(section),
      synced: () => storage.sync(),
      nextTurn: () => new Promise((resolve) => setTimeout(resolve, 0)),
      delay: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      setAlarm: (atMs) => this.ctx.waitUntil(storage.setAlarm(atMs)),
      background: (work) => this.ctx.waitUntil(work),
      sockets: () => this.#sockets.all(),
      nowMs: () => Date.now(),
      digest: (text) => createHash('sha256').update(text).digest('hex'),
      log: (level, message, fields) => log(level, message, { ...context, ...fields }),
    };
  }
}

function storedIdentity(sql: SqlStorage): InboxIdentity | undefined {
  if (sql.exec(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'meta'`).toArray().length === 0) return undefined;
  const rows = sql
    .exec<{ key: string; value: string }>(`SELECT key, value FROM meta WHERE key IN ('tenant', 'user_id')`)
    .toArray();
  const tenant = rows.find((row) => row.key === 'tenant')?.value;
  const userId = rows.find((row) => row.key === 'user_id')?.value;
  return tenant === undefined || userId === undefined ? undefined : { tenant, userId };
}

function upgradeOf(request: Request): InboxUpgrade {
  const caller = verifiedCaller(request);
  return {
    protocols: offeredProtocols(request),
    after: Number(new URL(request.url).searchParams.get('after') ?? 0),
    ...(caller === undefined ? {} : { caller }),
  };
}
