import { keyOf, type SearchHit } from '../../../shared/contract/search.ts';
import { SEARCH_TOTAL_MAX } from '../../../shared/core/limits.ts';
import type { MessageRole } from '../../../shared/core/types.ts';
import { StoreUnavailable } from '../store-unavailable.ts';
import { ensureIndex, REFRESH_MS } from './opensearch-index.ts';
import { errorTypeIn, okOr, openSearchCalls, propertyOf, type OpenSearchCall } from './opensearch-http.ts';
import type { OpenSearchSettings } from './opensearch-settings.ts';
import {
  FIND_MS_MAX,
  type DocumentWrite,
  type EraseSessionWrite,
  type Found,
  type Rejected,
  type SearchedSession,
  type SearchLook,
  type SearchQuestion,
  type SearchStore,
  type SearchWrite,
  type StoredDocument,
} from './port.ts';

/** below what the runtime gives a batch */
const WRITE_MS_MAX = 20_000;
/** documents of a deleted session in one look */
const ERASED_AT_ONCE_MAX = 1_000;
/** documents in one page of an audit's look: they come with their texts */
const LOOKED_AT_ONCE_MAX = 50;
/** else a shard that fails would only be left out */
const WHOLE = 'allow_partial_search_results=false';
/** what is looked at of each item of a bulk: the rest is as long as the bulk, and says what is known */
const OF_ITEMS = 'filter_path=items.index.status,items.index.error.type,error.type';
/** what a refresh may take beyond its interval before the documents are seen */
const SEEN_MARGIN_MS = 500;

export interface OpenSearchOptions {
  settings: OpenSearchSettings;
  /** false: only reads, so that nothing is made and health does not write */
  writes: boolean;
  /** where there is no index: make its first generation; else reject with IndexGone */
  mayMake: boolean;
}

/**
 * The search index in OpenSearch or Elasticsearch. Every write is a whole document whose external version is the clock of its
 * event, so that a conflict means it was known; nothing is ever deleted, for a deleted document would forget its version.
 */
export async function openOpenSearch({ settings, writes, mayMake }: OpenSearchOptions): Promise<SearchStore & SearchLook> {
  const call = openSearchCalls(settings);
  if (writes) await ensureIndex(call, settings.index, mayMake);
  return new OpenSearch(call, settings.index, { writes, isAlias: true });
}

/** The same on one generation, by its own name. */
export function openSearchOn(call: OpenSearchCall, name: string, writes: boolean): SearchStore {
  return new OpenSearch(call, name, { writes, isAlias: false });
}

class OpenSearch implements SearchStore, SearchLook {
  readonly seenAfterMs = REFRESH_MS + SEEN_MARGIN_MS;
  readonly #call: OpenSearchCall;
  readonly #index: string;
  readonly #writes: boolean;
  /** of every write: an index of the alias's name would be made where the alias is gone, with no mapping at all */
  readonly #onlyAlias: string;

  constructor(call: OpenSearchCall, index: string, { writes, isAlias }: { writes: boolean; isAlias: boolean }) {
    this.#call = call;
    this.#index = index;
    this.#writes = writes;
    this.#onlyAlias = `require_alias=${isAlias}`;
  }

  async write(batch: readonly SearchWrite[]): Promise<ReadonlyMap<number, Rejected>> {
    const rejected = await this.#bulk(batch.map(indexed));
    const erasures = batch.filter((write) => write.kind === 'eraseSession');
    const documents = batch.filter((write) => write.kind === 'document');
    // also when the mark was there already: whoever wrote it may have ended in the middle
    for (const erasure of erasures) await this.#eraseSession(erasure);
    await this.#eraseLate(documents);
    return rejected;
  }

  async find(question: SearchQuestion): Promise<Found> {
    const path = `/${this.#index}/_search?${WHOLE}&search_type=dfs_query_then_fetch`;
    const answer = okOr('searching', await this.#call('POST', path, queryOf(question), FIND_MS_MAX));
    if (propertyOf(answer, 'timed_out') !== false) throw new Error(`searching took longer than ${FIND_MS_MAX} ms`);
    const hits = hitsIn(answer).map(hitOf);
    return { hits: hits.slice(0, question.limit), more: hits.length > question.limit, total: totalIn(answer) };
  }

  async health(): Promise<void> {
    if (!this.#writes) {
      okOr('looking at the index', await this.#call('GET', `/${this.#index}/_search?size=0`, undefined, FIND_MS_MAX));
      return;
    }
    const path = `/${this.#index}/_doc/probe?${this.#onlyAlias}`;
    okOr('writing a probe', await this.#call('PUT', path, { kind: 'probe' }, WRITE_MS_MAX));
  }

  async close(): Promise<void> {
    await Promise.resolve();
  }

  async makeSeen(): Promise<void> {
    okOr('refreshing', await this.#call('POST', `/${this.#index}/_refresh`, undefined, FIND_MS_MAX));
  }

  async *documents({ tenant, sessionId }: SearchedSession): AsyncGenerator<readonly StoredDocument[]> {
    for await (const page of this.#hitsOf({ tenant, sessionId }, ['message', 'stub'], true)) yield page.map(storedOf);
  }

  wordsOf(text: string): string {
    return keptText(text);
  }

  /** Writes whole documents; an item that conflicts is one that is there already, or a newer one. */
  async #bulk(items: readonly Indexed[]): Promise<Map<number, Rejected>> {
    const rejected = new Map<number, Rejected>();
    if (items.length === 0) return rejected;
    const lines = items.map(bulkLines);
    const path = `/${this.#index}/_bulk?${this.#onlyAlias}&${OF_ITEMS}`;
    const answer = okOr('writing', await this.#call('POST', path, { lines: lines.join('') }, WRITE_MS_MAX));
    const results = propertyOf(answer, 'items');
    if (!Array.isArray(results) || results.length !== items.length) throw new Error('the bulk was answered by other items');
    for (const [at, result] of (results as unknown[]).entries()) {
      const item = propertyOf(result, 'index');
      const status = Number(propertyOf(item, 'status'));
      if ((status >= 200 && status < 300) || status === 409) continue;
      const type = errorTypeIn(item);
      // too much at once, a shard or the whole index that is away, or one that takes no writes: later
      if (status !== 400) throw new StoreUnavailable(`writing a document: ${status} ${type}`);
      rejected.set(at, { reason: type });
    }
    return rejected;
  }

  /** Every document below the mark, which is written by now: who writes another one from here on sees it. */
  async #eraseSession({ tenant, sessionId, clock }: EraseSessionWrite): Promise<void> {
    for await (const page of this.#hitsOf({ tenant, sessionId }, ['message'], false)) {
      await this.#stub(page.map((hit) => stubOf({ tenant, sessionId, messageId: messageIdIn(hit) }, clock)));
    }
  }

  /** Pages of hits that are a session's documents, in the order of their keys, after a refresh: none that was written is missed. */
  async *#hitsOf(session: SearchedSession, kinds: readonly string[], withSource: boolean): AsyncGenerator<readonly unknown[]> {
    okOr('refreshing', await this.#call('POST', `/${this.#index}/_refresh`, undefined, WRITE_MS_MAX));
    const { tenant, sessionId } = session;
    const filter = [{ term: { tenant } }, { term: { sessionId } }, { terms: { kind: kinds } }];
    const size = withSource ? LOOKED_AT_ONCE_MAX : ERASED_AT_ONCE_MAX;
    for (let after: unknown; ;) {
      const look = {
        size,
        version: true,
        query: { bool: { filter } },
        _source: withSource,
        sort: [{ key: 'asc' }],
        ...(after === undefined ? {} : { search_after: after }),
      };
      const answer = okOr(
        'looking for documents',
        await this.#call('POST', `/${this.#index}/_search?${WHOLE}`, look, WRITE_MS_MAX),
      );
      const found = hitsIn(answer);
      if (found.length > 0) yield found;
      if (found.length < size) return;
      after = propertyOf(found.at(-1), 'sort');
    }
  }

  /** Documents of a deleted session may come after its deletion: each is erased as it comes. */
  async #eraseLate(documents: readonly DocumentWrite[]): Promise<void> {
    const sessions = new Map(documents.map((write): [string, SearchedSession] => [markId(write), write]));
    if (sessions.size === 0) return;
    const asked = { docs: [...sessions.keys()].map((_id) => ({ _id, _source: false })) };
    const answer = okOr('looking for marks', await this.#call('POST', `/${this.#index}/_mget`, asked, WRITE_MS_MAX));
    const marks = propertyOf(answer, 'docs');
    if (!Array.isArray(marks)) throw new Error('marks were asked for, and something else was answered');
    const erasedAt = new Map<string, bigint>();
    for (const mark of marks as unknown[]) {
      if (propertyOf(mark, 'error') !== undefined) throw new StoreUnavailable('a mark could not be looked for');
      if (propertyOf(mark, 'found') === true) {
        erasedAt.set(String(propertyOf(mark, '_id')), BigInt(Number(propertyOf(mark, '_version'))));
      }
    }
    const late = documents.flatMap((write) => {
      const clock = erasedAt.get(markId(write)) ?? -1n;
      return clock > write.clock ? [stubOf(write, clock)] : [];
    });
    await this.#stub(late);
  }

  /** What has nothing in it that could be refused. */
  async #stub(items: readonly Indexed[]): Promise<void> {
    for (const [, { reason }] of await this.#bulk(items)) throw new Error(`a stub was refused: ${reason}`);
  }
}

/** A document as it lies in the index. */
export interface Indexed {
  id: string;
  clock: bigint;
  document: object;
}

type Address = Pick<DocumentWrite, 'tenant' | 'sessionId' | 'messageId'>;

function documentId({ tenant, sessionId, messageId }: Address): string {
  return `message/${tenant}/${sessionId}/${messageId}`;
}

function markId({ tenant, sessionId }: SearchedSession): string {
  return `erased/${tenant}/${sessionId}`;
}

function stubOf(address: Address, clock: bigint): Indexed {
  const { tenant, sessionId } = address;
  return { id: documentId(address), clock, document: { kind: 'stub', tenant, sessionId, key: keyOf(address) } };
}

export function indexed(write: SearchWrite): Indexed {
  const { tenant, sessionId, clock } = write;
  if (write.kind === 'eraseSession') return { id: markId(write), clock, document: { kind: 'erased', tenant, sessionId } };
  if (write.content === undefined) return stubOf(write, clock);
  const { text, sentAtMs, ...content } = write.content;
  const document = {
    kind: 'message',
    tenant,
    sessionId,
    key: keyOf(write),
    ...content,
    sentAt: sentAtMs,
    text: keptText(text),
  };
  return { id: documentId(write), clock, document };
}

/** Accents in one spelling: the analyzer knows them composed. */
function keptText(text: string): string {
  return text.normalize('NFC');
}

/** Its two lines of a bulk. */
export function bulkLines({ id, clock, document }: Indexed): string {
  // not by JSON.stringify: a clock may be more than a number holds exactly
  const action = `{"index":{"_id":${JSON.stringify(id)},"version":${clock},"version_type":"external"}}`;
  return `${action}\n${JSON.stringify(document)}\n`;
}

function messageIdIn(hit: unknown): string {
  // the id that documentId made
  return String(propertyOf(hit, '_id')).split('/').at(-1) ?? '';
}

function storedOf(hit: unknown): StoredDocument {
  const document = { messageId: messageIdIn(hit), clock: BigInt(Number(propertyOf(hit, '_version'))) };
  const source = propertyOf(hit, '_source');
  if (propertyOf(source, 'kind') !== 'message') return document;
  // what `indexed` wrote, and a strict mapping kept
  const { seq, author, role, parentId, mentions, sentAt, text } = source as Record<'seq' | 'sentAt', number> &
    Record<'author' | 'text', string> & { role: MessageRole; parentId?: string; mentions: string[] };
  const content = { seq, author, role, mentions, sentAtMs: sentAt, words: text };
  return { ...document, content: { ...content, ...(parentId === undefined ? {} : { parentId }) } };
}

function queryOf({ tenant, sessions, clauses, author, sentAfterMs, sentBeforeMs, after, limit }: SearchQuestion): object {
  const sentAt = {
    ...(sentAfterMs === undefined ? {} : { gt: sentAfterMs }),
    ...(sentBeforeMs === undefined ? {} : { lt: sentBeforeMs }),
  };
  const filter = [
    { term: { tenant } },
    { terms: { sessionId: sessions } },
    ...(author === undefined ? [] : [{ term: { author } }]),
    ...(Object.keys(sentAt).length === 0 ? [] : [{ range: { sentAt } }]),
  ];
  return {
    size: limit + 1,
    timeout: `${FIND_MS_MAX}ms`,
    track_total_hits: SEARCH_TOTAL_MAX,
    _source: false,
    docvalue_fields: ['seq'],
    query: { bool: { filter, must: clauses.map(({ text }) => ({ match_phrase: { text: keptText(text) } })) } },
    // the order of compareHits
    sort: [{ sentAt: 'desc' }, { key: 'asc' }],
    // else there are none in another order
    track_scores: true,
    ...(after === undefined ? {} : { search_after: [after.sentAtMs, keyOf(after)] }),
  };
}

function hitsIn(answer: unknown): unknown[] {
  const hits = propertyOf(propertyOf(answer, 'hits'), 'hits');
  if (!Array.isArray(hits)) throw new Error('hits were asked for, and something else was answered');
  return hits as unknown[];
}

function totalIn(answer: unknown): number {
  return Math.min(Number(propertyOf(propertyOf(propertyOf(answer, 'hits'), 'total'), 'value')), SEARCH_TOTAL_MAX);
}

function hitOf(hit: unknown): SearchHit {
  const [sentAtMs, key] = propertyOf(hit, 'sort') as [number, string];
  const [sessionId = '', messageId = ''] = key.split('/');
  const [seq = 0] = propertyOf(propertyOf(hit, 'fields'), 'seq') as number[];
  return { sessionId, messageId, seq, sentAtMs, score: Number(propertyOf(hit, '_score')) };
}
