import { CATALOGUE, COMMAND_NAMES } from '../../../../shared/contract/catalogue.ts';
import { problemOf } from '../../../../shared/contract/problem.ts';
import { rfc3339 } from '../../../../shared/core/clock.ts';
import { CLOSE_CODES, refusal } from '../../../../shared/core/codes.ts';
import { readAccess } from '../../../../shared/core/rights.ts';
import type { Actor, Event } from '../../../../shared/core/types.ts';
import type { SimulatedClock } from './clock.ts';
import { ModelSession, ok, problem, type Answer } from './server.ts';

export const WINDOW = { events: 16, bytes: 16_384 };
const WINDOW_FULL_MS = 30_000;
export const HEARTBEAT_MS = 30_000;
const TICKET_MS = 30_000;
const FRAME_EVENTS = 3;

/** The server's side of one socket. */
export interface Wire {
  send(data: string): void;
  close(code: number): void;
}

interface Live {
  wire: Wire;
  actor: Actor;
  expiresAtMs: number;
  sentSeq: number;
  receivedSeq: number;
  fullSinceMs: number | undefined;
  seenAtMs: number;
}

/** Doors, tickets and sockets as contract §4 and §7 have them. */
export class ModelEdge {
  readonly session: ModelSession;
  readonly #clock: SimulatedClock;
  readonly #tickets = new Map<string, { actor: Actor; expiresAtMs: number; until: number }>();
  readonly sockets = new Set<Live>();
  #issued = 0;

  constructor(clock: SimulatedClock) {
    this.#clock = clock;
    this.session = new ModelSession(
      's',
      () => clock.nowMs,
      () => this.#fanOut(),
      (userId, seq) => this.#signal('read', userId, { seq }),
    );
    this.#sweepLater();
  }

  /** One HTTP request. */
  request(method: string, url: string, headers: Record<string, string>, text: string | undefined): Answer {
    const { pathname, searchParams } = new URL(url);
    const caller = this.#caller(headers['Authorization'] ?? '');
    if (caller === undefined) return problem(refusal('unauthenticated', 'The token is not valid.'));
    const [, rest] = /^\/v1\/sessions\/s(\/.*)?$/.exec(pathname) ?? [undefined, ''];
    const path = rest ?? '';
    if (method === 'GET') return this.session.query(caller.actor, path, searchParams);
    if (path === '/tickets') return this.#ticket(caller);
    return this.#command(method, path, caller.actor, headers['Idempotency-Key'], text);
  }

  /** An upgrade; undefined when it is refused. */
  connect(url: string, protocols: readonly string[], wire: Wire): ((data: string) => void) | undefined {
    const { searchParams } = new URL(url);
    const ticket = protocols.find((each) => each.startsWith('ticket.'))?.slice('ticket.'.length) ?? '';
    const found = this.#redeem(ticket);
    if (found === undefined || protocols[0] !== 'millrace.v1') return undefined;
    if (!readAccess(this.session.state, found.actor.id).ok) return undefined;
    const { head, floor, epoch } = this.session;
    const asked = searchParams.get('after');
    const after = asked === null ? head : Number(asked);
    const recovered = (searchParams.get('epoch') ?? epoch) === epoch && after <= head && after + 1 >= floor;
    const sentSeq = recovered ? after : head;
    const live: Live = { wire, ...found, sentSeq, receivedSeq: sentSeq, fullSinceMs: undefined, seenAtMs: this.#clock.nowMs };
    wire.send(
      JSON.stringify({
        type: 'welcome',
        protocol: 1,
        sessionId: 's',
        epoch,
        head,
        from: sentSeq + 1,
        recovered,
        readSeq: this.session.state.member(found.actor.id)?.readSeq ?? 0,
        user: { id: found.actor.id, kind: found.actor.kind },
        heartbeatMs: HEARTBEAT_MS,
        window: WINDOW,
        expiresAt: rfc3339(found.expiresAtMs),
      }),
    );
    this.sockets.add(live);
    this.#pump(live);
    return (data) => this.#take(live, data);
  }

  closeAll(code: number): void {
    for (const live of this.sockets) this.#drop(live, code);
  }

  /** The client is gone, and somebody noticed. */
  gone(wire: Wire): void {
    for (const live of this.sockets) if (live.wire === wire) this.sockets.delete(live);
  }

  /** As after a restore from a backup: cursors of before mean nothing. */
  changeEpoch(): void {
    this.session.epoch = `epoch-${this.#issued}-${this.session.head}`;
    this.closeAll(CLOSE_CODES.restart);
  }

  #caller(authorization: string): { actor: Actor; expiresAtMs: number } | undefined {
    const claims = JSON.parse(atob(authorization.split('.')[1] ?? btoa('{}'))) as { sub?: string; exp?: number };
    const expiresAtMs = (claims.exp ?? 0) * 1_000;
    if (claims.sub === undefined || expiresAtMs <= this.#clock.nowMs) return undefined;
    return { actor: { id: claims.sub, kind: 'user' }, expiresAtMs };
  }

  #ticket(caller: { actor: Actor; expiresAtMs: number }): Answer {
    if (!readAccess(this.session.state, caller.actor.id).ok) return problem(refusal('session_not_found', 'No such session.'));
    const ticket = `t${(this.#issued += 1)}`;
    const until = this.#clock.nowMs + TICKET_MS;
    this.#tickets.set(ticket, { ...caller, until });
    return ok({ ticket, expiresAt: rfc3339(until) }, 201);
  }

  #redeem(ticket: string): { actor: Actor; expiresAtMs: number } | undefined {
    const found = this.#tickets.get(ticket);
    this.#tickets.delete(ticket);
    const { nowMs } = this.#clock;
    return found === undefined || found.until <= nowMs || found.expiresAtMs <= nowMs ? undefined : found;
  }

  #command(method: string, path: string, actor: Actor, key: string | undefined, text: string | undefined): Answer {
    for (const name of COMMAND_NAMES) {
      const spec: { method: string; path: string; params: Record<string, string> } = CATALOGUE[name];
      const pattern = spec.path.replace('/sessions/{s}', '').replace(/\{(\w+)\}/g, '(?<$1>[^/]+)');
      const match = spec.method === method ? new RegExp(`^${pattern}$`).exec(path) : null;
      if (match === null || name === 'session.create') continue;
      const fields = Object.entries(match.groups ?? {}).map(([param, value]) => [
        spec.params[param] ?? param,
        decodeURIComponent(value),
      ]);
      const body = JSON.parse(text ?? '{}') as Record<string, unknown>;
      const data: unknown = { ...body, ...(Object.fromEntries(fields) as Record<string, string>) };
      const result = this.session.execute(actor, name, data, key);
      if (!result.ok) return problem(result.refusal);
      return { ...ok(result.accepted, 202), headers: result.replayed ? { 'Idempotent-Replayed': 'true' } : {} };
    }
    return problem(refusal('not_found', `There is nothing at ${method} ${path}.`));
  }

  #take(live: Live, data: string): void {
    if (!this.sockets.has(live)) return;
    live.seenAtMs = this.#clock.nowMs;
    if (live.expiresAtMs <= this.#clock.nowMs) return this.#drop(live, CLOSE_CODES.tokenExpired);
    if (data === 'ping') return live.wire.send('pong');
    const frame = JSON.parse(data) as Record<string, unknown>;
    if (frame['type'] === 'received') {
      live.receivedSeq = Math.max(live.receivedSeq, Math.min(Number(frame['seq']), live.sentSeq));
      live.fullSinceMs = undefined;
      this.#pump(live);
    } else if (frame['type'] === 'renew') {
      const renewed = this.#redeem(String(frame['ticket']));
      if (renewed === undefined) return this.#drop(live, CLOSE_CODES.tokenExpired);
      live.expiresAtMs = renewed.expiresAtMs;
    } else if (frame['type'] === 'command') {
      const result = this.session.execute(live.actor, String(frame['command']), frame['data'], frame['idempotencyKey'] as string);
      const { id } = frame;
      if (!result.ok) live.wire.send(JSON.stringify({ type: 'reject', id, error: problemOf(result.refusal, 'correlation') }));
      else {
        // the event that it made went out first or will: clients may count on neither
        const replayed = result.replayed ? { replayed: true } : {};
        live.wire.send(JSON.stringify({ type: 'ack', id, result: result.accepted, ...replayed }));
      }
    } else if (frame['type'] !== 'signal') this.#drop(live, CLOSE_CODES.badFrame);
  }

  #signal(name: string, userId: string, data: object): void {
    const frame = { type: 'signal', name, user: { id: userId, kind: 'user' }, data, at: rfc3339(this.#clock.nowMs) };
    for (const live of this.sockets) live.wire.send(JSON.stringify(frame));
  }

  #fanOut(): void {
    for (const live of this.sockets) this.#pump(live);
  }

  #pump(live: Live): void {
    const { session } = this;
    while (live.sentSeq < session.head) {
      if (live.sentSeq + 1 < session.floor) return this.#drop(live, CLOSE_CODES.tooSlow);
      const left = WINDOW.events - (live.sentSeq - live.receivedSeq);
      const events: Event[] = session.log.slice(live.sentSeq, live.sentSeq + Math.min(FRAME_EVENTS, left));
      if (events.length === 0) {
        live.fullSinceMs ??= this.#clock.nowMs;
        return;
      }
      live.wire.send(JSON.stringify({ type: 'events', events }));
      live.sentSeq += events.length;
    }
  }

  #drop(live: Live, code: number): void {
    this.sockets.delete(live);
    live.wire.close(code);
  }

  #sweepLater(): void {
    this.#clock.after(5_000, () => {
      const { nowMs } = this.#clock;
      for (const live of this.sockets) {
        if (live.expiresAtMs <= nowMs) this.#drop(live, CLOSE_CODES.tokenExpired);
        else if (live.fullSinceMs !== undefined && live.fullSinceMs + WINDOW_FULL_MS <= nowMs)
          this.#drop(live, CLOSE_CODES.tooSlow);
        else if (live.seenAtMs + 3 * HEARTBEAT_MS < nowMs) this.#drop(live, CLOSE_CODES.restart);
      }
      this.#sweepLater();
    });
  }
}
