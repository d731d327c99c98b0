import type { Environment } from '../environment.ts';
import { asMillraceError, MillraceError } from '../error.ts';
import type { Problem } from '../../shared/contract/problem.ts';
import { fullJitterMs } from './backoff.ts';
import { COMMAND_RETRY_BASE_MS, COMMAND_RETRY_MS_MAX, READ_ATTEMPTS_MAX, REQUEST_MS_MAX } from './bounds.ts';
import type { Token, TokenSource } from './token-source.ts';

export interface HttpRequest {
  method: string;
  /** from the root, with its query */
  path: string;
  body?: unknown;
  headers?: Readonly<Record<string, string>>;
  signal?: AbortSignal | undefined;
}

export interface HttpAnswer<T> {
  body: T;
  /** of a command whose key was seen before */
  replayed: boolean;
  token: Token;
}

/** Requests with a token, within bounds, whose failures are all MillraceErrors. */
export class Http {
  readonly #environment: Environment;
  readonly tokens: TokenSource;

  constructor(environment: Environment, tokens: TokenSource) {
    this.#environment = environment;
    this.tokens = tokens;
  }

  /** One request; a second one with a fresh token when the first is refused for its token. */
  async once<T>(request: HttpRequest): Promise<HttpAnswer<T>> {
    const token = await this.tokens.get();
    try {
      return await this.#send<T>(request, token);
    } catch (error) {
      if (!(error instanceof MillraceError) || error.status !== 401) throw error;
      this.tokens.refuse(token);
      return this.#send<T>(request, await this.tokens.get());
    }
  }

  /** A query, repeated a few times while that may help. */
  async read<T>(path: string, signal?: AbortSignal): Promise<T> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return (await this.once<T>({ method: 'GET', path, signal })).body;
      } catch (error) {
        const known = asMillraceError(error);
        if (!known.transient || attempt + 1 >= READ_ATTEMPTS_MAX) throw known;
        const { random } = this.#environment;
        const jitter = fullJitterMs(attempt, COMMAND_RETRY_BASE_MS, COMMAND_RETRY_MS_MAX, random);
        await this.#pause(Math.max(known.retryAfterMs ?? 0, jitter), signal);
      }
    }
  }

  async #send<T>({ method, path, body, headers, signal }: HttpRequest, token: Token): Promise<HttpAnswer<T>> {
    const { fetch, after, url } = this.#environment;
    const abort = new AbortController();
    let late = false;
    const cancel = after(REQUEST_MS_MAX, () => {
      late = true;
      abort.abort();
    });
    const giveUp = (): void => abort.abort();
    signal?.addEventListener('abort', giveUp);
    if (signal?.aborted === true) giveUp();
    try {
      const response = await fetch(url + path, {
        method,
        headers: {
          Authorization: `Bearer ${token.value}`,
          ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: abort.signal,
      });
      const text = await response.text();
      if (!response.ok) throw refusedBy(response, text);
      return {
        // the answers' types are tested against the document of the server
        body: JSON.parse(text) as T,
        replayed: response.headers.get('Idempotent-Replayed') === 'true',
        token,
      };
    } catch (error) {
      if (error instanceof MillraceError) throw error;
      if (signal?.aborted === true) throw new MillraceError('aborted', 'Given up by the caller.', { cause: error });
      throw late ? new MillraceError('timeout', 'No answer in time.', { cause: error }) : asMillraceError(error);
    } finally {
      cancel();
      signal?.removeEventListener('abort', giveUp);
    }
  }

  #pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        cancel();
        reject(new MillraceError('aborted', 'Given up by the caller.'));
      };
      const cancel = this.#environment.after(ms, () => {
        signal?.removeEventListener('abort', giveUp);
        resolve();
      });
      signal?.addEventListener('abort', giveUp, { once: true });
    });
  }
}

function refusedBy(response: Response, text: string): MillraceError {
  const seconds = Number(response.headers.get('Retry-After') ?? Number.NaN);
  const retryAfterMs = Number.isFinite(seconds) ? seconds * 1_000 : undefined;
  try {
    const problem = JSON.parse(text) as Problem;
    if (typeof problem.code === 'string') return MillraceError.of(problem, problem.retryAfterMs ?? retryAfterMs);
  } catch {
    // something between us and the edge answered in its own way
  }
  const code = response.status >= 500 ? 'unavailable' : 'protocol';
  return new MillraceError(code, `HTTP ${response.status}`, { status: response.status, retryAfterMs });
}
