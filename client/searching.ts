import { Emitter } from './emitter.ts';
import type { Cancel, Environment } from './environment.ts';
import { asMillraceError, type MillraceError } from './error.ts';
import { SEARCH_PAUSE_MS } from './net/bounds.ts';
import type { Http } from './net/http.ts';
import { pathOf, type Queries } from './queries.ts';
import type { SearchAnswer } from './wire.ts';

export type SearchParams = Omit<Queries['search.query']['params'], 'cursor'>;

export interface SearchSnapshot {
  /** `searching`: what is shown is of the search before */
  status: 'idle' | 'searching' | 'done';
  error: MillraceError | undefined;
  items: SearchAnswer['items'];
  total: number;
  hasMore: boolean;
}

export const EMPTY_SEARCH: SearchSnapshot = { status: 'idle', error: undefined, items: [], total: 0, hasMore: false };

/** One search at a time: a new one gives up the one before, and waits until nobody types any more. */
export class Searching {
  readonly #environment: Environment;
  readonly #http: Http;
  readonly #changed = new Emitter<void>();
  #snapshot = EMPTY_SEARCH;
  #params: SearchParams | undefined;
  #cursor: string | undefined;
  #abort = new AbortController();
  #cancel: Cancel = () => {};

  constructor(environment: Environment, http: Http) {
    this.#environment = environment;
    this.#http = http;
  }

  readonly getSnapshot = (): SearchSnapshot => this.#snapshot;

  readonly subscribe = (listener: () => void): (() => void) => this.#changed.on(listener);

  /** Searches for this from now on; for nothing when `q` is only white space. */
  ask(params: SearchParams): void {
    this.stop();
    this.#params = params;
    this.#cursor = undefined;
    if (params.q.trim() === '') return this.#show(EMPTY_SEARCH);
    this.#show({ ...this.#snapshot, status: 'searching', error: undefined });
    this.#cancel = this.#environment.after(SEARCH_PAUSE_MS, () => void this.#read([]));
  }

  /** The next page, of a search that is done and has one. */
  async loadMore(): Promise<void> {
    if (this.#snapshot.status !== 'done' || this.#cursor === undefined) return;
    this.#show({ ...this.#snapshot, status: 'searching' });
    await this.#read(this.#snapshot.items);
  }

  stop(): void {
    this.#cancel();
    this.#abort.abort();
    this.#abort = new AbortController();
  }

  async #read(before: SearchAnswer['items']): Promise<void> {
    const { signal } = this.#abort;
    try {
      const query = pathOf('search.query', { ...this.#params, cursor: this.#cursor });
      const { items, total, nextCursor } = await this.#http.read<SearchAnswer>(query, signal);
      if (signal.aborted) return;
      this.#cursor = nextCursor;
      const known = new Set(before.map(({ message }) => message.id));
      const all = [...before, ...items.filter(({ message }) => !known.has(message.id))];
      this.#show({ status: 'done', error: undefined, items: all, total, hasMore: nextCursor !== undefined });
    } catch (error) {
      if (!signal.aborted) this.#show({ ...this.#snapshot, status: 'done', error: asMillraceError(error) });
    }
  }

  #show(snapshot: SearchSnapshot): void {
    this.#snapshot = snapshot;
    this.#changed.emit();
  }
}
