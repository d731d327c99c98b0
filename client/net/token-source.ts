import type { GivenToken, Environment } from '../environment.ts';
import { asMillraceError, MillraceError } from '../error.ts';
import type { ActorKind } from '../../shared/core/types.ts';
import { TOKEN_MARGIN_MS, TOKEN_MS_MAX } from './bounds.ts';
import { within } from './within.ts';

export interface Token {
  value: string;
  /** epoch ms; Infinity when nobody said */
  expiresAtMs: number;
  /** from here on a fresh one is asked for */
  renewAtMs: number;
}

export interface User {
  id: string;
  name?: string;
  kind: ActorKind;
}

/** The one place that calls `getToken`. */
export class TokenSource {
  readonly #environment: Environment;
  readonly #getToken: () => string | GivenToken | Promise<string | GivenToken>;
  #current: Token | undefined;
  #pending: Promise<Token> | undefined;
  /** who the last token was for, as it says itself; the welcome of a socket says it too */
  user: User | undefined;

  constructor(environment: Environment, getToken: () => string | GivenToken | Promise<string | GivenToken>) {
    this.#environment = environment;
    this.#getToken = getToken;
  }

  /** A token that is good for a while. Rejects with `token_unavailable`. */
  async get(): Promise<Token> {
    if (this.#current !== undefined && this.#environment.now() < this.#current.renewAtMs) return this.#current;
    return (this.#pending ??= this.#ask());
  }

  /**
   * This token was refused: the next caller gets another. A token that came meanwhile stays, unless a closing socket does not say
   * which it was: then whatever there is was refused.
   */
  refuse(token = this.#current): void {
    if (this.#current === token) this.#current = undefined;
  }

  async #ask(): Promise<Token> {
    try {
      // a function that throws at once rejects here too
      const asked = Promise.resolve().then(this.#getToken);
      const given = await within(this.#environment, TOKEN_MS_MAX, asked, 'token_unavailable');
      const { token: value, expiresAt } = typeof given === 'string' ? { token: given } : given;
      const claims = claimsOf(value);
      const expiresAtMs = expiresAt ?? (typeof claims['exp'] === 'number' ? claims['exp'] * 1_000 : Infinity);
      const renewAtMs = expiresAtMs - Math.min(TOKEN_MARGIN_MS, Math.max(0, expiresAtMs - this.#environment.now()) / 5);
      this.user = userIn(claims) ?? this.user;
      return (this.#current = { value, expiresAtMs, renewAtMs });
    } catch (error) {
      if (error instanceof MillraceError) throw error;
      throw new MillraceError('token_unavailable', asMillraceError(error).message, { cause: error });
    } finally {
      this.#pending = undefined;
    }
  }
}

/** What a JWT says of itself, unverified: only used to know when to ask again and whose pending messages these are. */
export function claimsOf(token: string): Record<string, unknown> {
  try {
    const part = (token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/');
    const bytes = Uint8Array.from(atob(part), (character) => character.charCodeAt(0));
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof claims === 'object' && claims !== null ? (claims as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

export function userIn({ sub, name, kind }: Record<string, unknown>): User | undefined {
  if (typeof sub !== 'string') return undefined;
  return {
    id: sub,
    ...(typeof name === 'string' ? { name } : {}),
    kind: kind === 'agent' || kind === 'system' ? kind : 'user',
  };
}
