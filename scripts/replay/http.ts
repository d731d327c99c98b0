import { problem } from './answers.ts';
import { retryAfterMs, retryDelayMs, sleep } from './backoff.ts';

export interface Reply {
  status: number;
  headers: Headers;
  /** parsed JSON; the text as it came when it is none; undefined when empty */
  body: unknown;
}

export interface RequestInput {
  body?: unknown;
  headers?: Record<string, string>;
  idempotencyKey?: string;
  /** ends the attempt, and any further ones */
  signal?: AbortSignal;
}

export interface HttpClientOptions {
  /** scheme, host and port */
  url: string;
  /** bearer token; absent: none is sent */
  token?: string;
  /** how long `insist` goes on through outages */
  patienceMs?: number;
}

const ATTEMPT_MS_MAX = 15_000;
export const PATIENCE_MS_DEFAULT = 300_000;
/** answers after which the same request may succeed later; 502 and 504 are a proxy's way to say it */
const RETRIED_STATUS = new Set([429, 500, 502, 503, 504]);

/** An answer that is not the one that was expected. */
export class UnexpectedReply extends Error {
  readonly reply: Reply;
  constructor(what: string, reply: Reply) {
    super(`${what}: ${describeReply(reply)}`);
    this.name = 'UnexpectedReply';
    this.reply = reply;
  }
}

/** One user over HTTP. */
export class HttpClient {
  readonly url: string;
  readonly patienceMs: number;
  /** requests made a second time or more */
  retries = 0;
  readonly #token: string | undefined;

  constructor(options: HttpClientOptions) {
    this.url = options.url.replace(/\/+$/, '');
    this.patienceMs = options.patienceMs ?? PATIENCE_MS_DEFAULT;
    this.#token = options.token;
  }

  /** One attempt. Rejects when there is no answer (refused, reset, timed out): the outcome is then unknown. */
  async request(method: string, path: string, input: RequestInput = {}): Promise<Reply> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        ...(this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }),
        ...(input.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(input.idempotencyKey === undefined ? {} : { 'idempotency-key': input.idempotencyKey }),
        ...input.headers,
      },
      ...(input.body === undefined ? {} : { body: JSON.stringify(input.body) }),
      signal: AbortSignal.any([AbortSignal.timeout(ATTEMPT_MS_MAX), ...(input.signal === undefined ? [] : [input.signal])]),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: parseBody(text) };
  }

  /**
   * Repeats the request through outages, rate limits and overload until it is answered for good or patience ends; then the
   * last answer is returned, or the last failure thrown. A command needs an idempotency key to be repeated safely.
   */
  async insist(method: string, path: string, input: RequestInput = {}, patienceMs = this.patienceMs): Promise<Reply> {
    const deadlineMs = Date.now() + patienceMs;
    for (let attempt = 0; ; attempt += 1) {
      if (attempt > 0) this.retries += 1;
      const outcome = await this.request(method, path, input).then(
        (reply) => ({ reply }),
        (error: unknown) => ({ error }),
      );
      if ('reply' in outcome && !RETRIED_STATUS.has(outcome.reply.status)) return outcome.reply;
      const asked = 'reply' in outcome ? retryAfterMs(outcome.reply.headers.get('retry-after'), Date.now()) : 0;
      const delayMs = retryDelayMs(attempt, asked);
      if (Date.now() + delayMs > deadlineMs || input.signal?.aborted === true) {
        if ('reply' in outcome) return outcome.reply;
        throw new Error(`${method} ${path} had no answer for ${patienceMs} ms: ${reasonOf(outcome.error)}`, {
          cause: outcome.error,
        });
      }
      await sleep(delayMs, undefined, input.signal === undefined ? {} : { signal: input.signal });
    }
  }

  /** `insist`, and a reply of another status than the expected one is thrown as UnexpectedReply. */
  async expect(status: number, method: string, path: string, input: RequestInput = {}): Promise<Reply> {
    const reply = await this.insist(method, path, input);
    if (reply.status !== status) throw new UnexpectedReply(`${method} ${path}`, reply);
    return reply;
  }
}

export function sessionPath(sessionId: string): string {
  return `/v1/sessions/${encodeURIComponent(sessionId)}`;
}

/** `status code: detail` of a problem, or the status and the start of the body. */
export function describeReply(reply: Reply): string {
  const parsed = problem.safeParse(reply.body);
  if (parsed.success) return `${reply.status} ${parsed.data.code}: ${parsed.data.detail}`;
  return `${reply.status} ${(JSON.stringify(reply.body) ?? '').slice(0, 200)}`;
}

/** The innermost message: fetch only says "fetch failed", its cause says why. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message || error.name : reasonOf(error.cause);
}

function parseBody(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
