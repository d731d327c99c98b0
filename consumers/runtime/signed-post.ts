import { createHmac } from 'node:crypto';
import { TRACES_HEADER } from '../../shared/telemetry/trace-header.ts';
import { SIGNATURE_HEADER, TIMESTAMP_HEADER } from '../../shared/contract/internal.ts';

const ANSWER_BYTES_MAX = 4 * 1024 * 1024;

/** The edge answered, but not with what was asked for. */
export class EdgeRefused extends Error {
  readonly status: number;
  /** what the answer says to wait, if it says so */
  readonly retryAfterMs: number | undefined;

  constructor(status: number, retryAfterMs: number | undefined) {
    super(`the edge answered ${status}`);
    this.name = 'EdgeRefused';
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * Posts JSON to a path of the edge, signed, and returns the parsed answer. Rejects when the edge is away, late, or refuses.
 * `traces` says which trace what part of the request is of: it is not signed.
 */
export type SignedPost = (path: string, request: object, msMax: number, traces?: string) => Promise<unknown>;

export function signedPoster(edgeUrl: string, secret: string, now: () => number): SignedPost {
  return async (path, request, msMax, traces) => {
    const body = JSON.stringify(request);
    const timestamp = String(now());
    const response = await fetch(`${edgeUrl}${path}`, {
      method: 'POST',
      redirect: 'error',
      signal: AbortSignal.timeout(msMax),
      headers: {
        'Content-Type': 'application/json',
        [TIMESTAMP_HEADER]: timestamp,
        [SIGNATURE_HEADER]: sign(secret, timestamp, body),
        ...(traces === undefined ? {} : { [TRACES_HEADER]: traces }),
      },
      body,
    });
    const text = (await response.text()).slice(0, ANSWER_BYTES_MAX);
    if (!response.ok) throw new EdgeRefused(response.status, waitOf(response.headers.get('Retry-After')));
    return JSON.parse(text) as unknown;
  };
}

/** Hex HMAC-SHA256 of `${timestamp}.${body}`. */
export function sign(secret: string, timestamp: string, body: string): string {
  return createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex');
}

/** Whole seconds (RFC 9110 §10.2.3); a date is not what our edge sends. */
function waitOf(header: string | null): number | undefined {
  return header !== null && /^\d{1,6}$/.test(header) ? Number(header) * 1_000 : undefined;
}
