import { StoreUnavailable } from '../store-unavailable.ts';
import type { OpenSearchSettings } from './opensearch-settings.ts';

/** answers are small: more is none of ours */
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;

export interface HttpAnswer {
  status: number;
  body: unknown;
}

/** What of a request is not JSON: the lines of a bulk. */
export interface Lines {
  lines: string;
}

export type OpenSearchCall = (
  method: string,
  path: string,
  body: object | Lines | undefined,
  msMax: number,
) => Promise<HttpAnswer>;

/**
 * Calls by HTTP, whatever the status. Rejects with a StoreUnavailable when no answer comes in time. Six calls are all that
 * the index needs: the official client would be 1,175 files beside them.
 */
export function openSearchCalls({ url, authorization }: OpenSearchSettings): OpenSearchCall {
  return async (method, path, body, msMax) => {
    const isBulk = body !== undefined && 'lines' in body;
    try {
      const response = await fetch(`${url}${path}`, {
        method,
        redirect: 'error',
        signal: AbortSignal.timeout(msMax),
        headers: {
          'Content-Type': isBulk ? 'application/x-ndjson' : 'application/json',
          ...(authorization === undefined ? {} : { Authorization: authorization }),
        },
        ...(body === undefined ? {} : { body: isBulk ? body.lines : JSON.stringify(body) }),
      });
      const text = await response.text();
      if (text.length > ANSWER_BYTES_MAX) throw new Error('the answer is too long');
      return { status: response.status, body: text === '' ? {} : (JSON.parse(text) as unknown) };
    } catch (error) {
      throw new StoreUnavailable(`no answer of the search index: ${reasonOf(error)}`, { cause: error });
    }
  };
}

/** What undici says of a refused connection is in its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}

/** The body of a call that must succeed. The fault of a batch (400, 413) is an error, anything else the store's. */
export function okOr(what: string, { status, body }: HttpAnswer): unknown {
  if (status >= 200 && status < 300) return body;
  const why = `${what}: ${status} ${errorTypeIn(body)}`;
  throw status === 400 || status === 413 ? new Error(why) : new StoreUnavailable(why);
}

/** The short code of an error, never its text: that may have parts of documents in it. */
export function errorTypeIn(body: unknown): string {
  const error = propertyOf(body, 'error');
  const type = propertyOf(error, 'type');
  return typeof type === 'string' ? type : '';
}

export function propertyOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
