import { searchRequest, type SearchAnswered, type SearchRequest } from '../../shared/contract/search.ts';
import { within } from '../runtime/backoff.ts';
import { parseQuery } from '../../shared/search/query.ts';
import type { SearchQuestion, SearchStore } from '../stores/search/port.ts';

export interface Searching {
  store: SearchStore;
  /** undefined while nobody knows */
  asOfMs: () => number | undefined;
  /** resolves when somebody may know */
  looked: Promise<void>;
}

/** whoever asks in the moment of a start waits so long for the first look: well below what an asker waits */
const FIRST_LOOK_MS_MAX = 1_000;

/** Rejects when the store does. A page of hits is far below what a reply may have. */
export async function answerSearch({ store, asOfMs, looked }: Searching, data: Uint8Array): Promise<SearchAnswered> {
  const request = requestOf(data);
  // of an edge of another version: no fault of who searches, and over when both are the same
  if (request === undefined) return { ok: false, code: 'unavailable', detail: 'not a question of this version' };
  const { v: _version, q, ...rest } = request;
  const query = parseQuery(q);
  if (!query.ok) return { ok: false, code: 'invalid_request', detail: query.detail };
  // before the search: what comes in meanwhile may or may not be found
  if (asOfMs() === undefined) await within(FIRST_LOOK_MS_MAX, 'the first look', looked).catch(() => undefined);
  const asOf = asOfMs();
  if (asOf === undefined) return { ok: false, code: 'unavailable', detail: 'nothing feeds the index' };
  if (rest.sessions.length === 0) return { ok: true, hits: [], more: false, total: 0, asOfMs: asOf };
  const { hits, more, total } = await store.find(questionOf(rest, query.clauses));
  return { ok: true, hits, more, total, asOfMs: asOf };
}

function requestOf(data: Uint8Array): SearchRequest | undefined {
  try {
    return searchRequest.safeParse(JSON.parse(new TextDecoder().decode(data))).data;
  } catch {
    return undefined;
  }
}

function questionOf(
  { author, sentAfterMs, sentBeforeMs, after, ...always }: Omit<SearchRequest, 'v' | 'q'>,
  clauses: SearchQuestion['clauses'],
): SearchQuestion {
  return {
    ...always,
    clauses,
    ...(author === undefined ? {} : { author }),
    ...(sentAfterMs === undefined ? {} : { sentAfterMs }),
    ...(sentBeforeMs === undefined ? {} : { sentBeforeMs }),
    ...(after === undefined ? {} : { after }),
  };
}
