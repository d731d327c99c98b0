import { accepted as acceptedSchema, type Accepted } from './answers.ts';
import { retryDelayMs, sleep } from './backoff.ts';
import type { EventLog, SeenEvent } from './evidence.ts';
import { describeReply, HttpClient, reasonOf, sessionPath } from './http.ts';
import { SessionSocket } from './socket.ts';

export type Door = 'http' | 'socket';

export interface ParticipantOptions {
  url: string;
  token: string;
  userId: string;
  sessionId: string;
  patienceMs: number;
  log: EventLog;
  onFault: (what: string) => void;
}

export type SendOutcome = { ok: true; accepted: Accepted } | { ok: false; why: string };

/** reject codes after which the same command may succeed later */
const RETRIED_CODES = new Set(['rate_limited', 'overloaded', 'unavailable', 'internal']);

/** One nick in one session: an HTTP client and a socket of its own. */
export class Participant {
  readonly userId: string;
  readonly http: HttpClient;
  readonly socket: SessionSocket;
  readonly seen: SeenEvent[] = [];
  /** resolves when what this nick sent last is answered: a nick says one thing after the other */
  turn: Promise<void> = Promise.resolve();
  socketRetries = 0;
  readonly #sessionId: string;

  constructor(options: ParticipantOptions) {
    this.userId = options.userId;
    this.#sessionId = options.sessionId;
    this.http = new HttpClient({ url: options.url, token: options.token, patienceMs: options.patienceMs });
    this.socket = new SessionSocket({
      http: this.http,
      sessionId: options.sessionId,
      after: 0,
      onEvent: (event) => this.seen.push(options.log.see(event)),
      onFault: (what) => options.onFault(`the socket of ${options.userId}: ${what}`),
    });
  }

  /** Sends one message until it is answered for good or patience ends. The key makes every attempt the same command. */
  async say(text: string, idempotencyKey: string, door: Door): Promise<SendOutcome> {
    try {
      if (door === 'socket') return await this.#sayBySocket(text, idempotencyKey);
      const reply = await this.http.insist('POST', `${sessionPath(this.#sessionId)}/messages`, {
        body: { text },
        idempotencyKey,
      });
      return reply.status === 202
        ? { ok: true, accepted: acceptedSchema.parse(reply.body) }
        : { ok: false, why: describeReply(reply) };
    } catch (error) {
      return { ok: false, why: reasonOf(error) };
    }
  }

  async #sayBySocket(text: string, idempotencyKey: string): Promise<SendOutcome> {
    const deadlineMs = Date.now() + this.http.patienceMs;
    for (let attempt = 0; ; attempt += 1) {
      const outcome = await this.socket.command('message.send', { text }, idempotencyKey);
      if (outcome.kind === 'ack') return { ok: true, accepted: outcome.accepted };
      if (outcome.kind === 'reject' && !RETRIED_CODES.has(outcome.problem.code)) {
        return { ok: false, why: `${outcome.problem.code}: ${outcome.problem.detail}` };
      }
      const delayMs = retryDelayMs(attempt, outcome.kind === 'reject' ? (outcome.problem.retryAfterMs ?? 0) : 0);
      if (Date.now() + delayMs > deadlineMs) return { ok: false, why: `no answer by socket for ${this.http.patienceMs} ms` };
      this.socketRetries += 1;
      await sleep(delayMs);
    }
  }
}
