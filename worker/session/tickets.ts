import { TICKET_TTL_MS } from '../../shared/core/limits.ts';
import type { Actor } from '../../shared/core/types.ts';

/** Who opens a socket, and until when its token is good. */
export interface Caller {
  actor: Actor;
  tokenExpiresAtMs: number;
}

/**
 * One-use tickets: only a digest is kept, so that storage holds nothing that opens a socket. Issuing counts against the
 * rates of commands, so no more are outstanding than those allow within TICKET_TTL_MS.
 */
export class Tickets {
  readonly #sql: SqlStorage;
  readonly #digest: (text: string) => string;

  constructor(sql: SqlStorage, digest: (text: string) => string) {
    this.#sql = sql;
    this.#digest = digest;
  }

  issue(ticket: string, caller: Caller, nowMs: number): number {
    const expiresAt = nowMs + TICKET_TTL_MS;
    this.#sql.exec(`DELETE FROM tickets WHERE expires_at <= ?`, nowMs);
    this.#sql.exec(
      `INSERT INTO tickets (digest, caller, expires_at) VALUES (?, ?, ?)`,
      this.#digest(ticket),
      JSON.stringify(caller),
      expiresAt,
    );
    return expiresAt;
  }

  /** Uses the ticket up. Undefined when it is unknown here, used or expired. */
  redeem(ticket: string, nowMs: number): Caller | undefined {
    const row = this.#sql
      .exec<{ caller: string; expires_at: number }>(
        `DELETE FROM tickets WHERE digest = ? RETURNING caller, expires_at`,
        this.#digest(ticket),
      )
      .toArray()[0];
    if (row === undefined || row.expires_at <= nowMs) return undefined;
    return JSON.parse(row.caller) as Caller;
  }
}
