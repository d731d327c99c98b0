import { StoreUnavailable } from '../store-unavailable.ts';
import type { SearchHit, SearchPlace } from '../../../shared/contract/search.ts';
import type { MessageRole } from '../../../shared/core/types.ts';
import type { Clause } from '../../../shared/search/query.ts';

export interface SearchedSession {
  tenant: string;
  sessionId: string;
}

/** Everything of a message that can be searched for: whole, for documents are replaced and never changed. */
export interface SearchContent {
  /** of its message.created */
  seq: number;
  author: string;
  role: MessageRole;
  parentId?: string;
  mentions: readonly string[];
  text: string;
  /** createdAt, epoch milliseconds */
  sentAtMs: number;
}

/** A message as one event leaves it. Without content it is a stub: erased, and what comes late with a lower clock stays out. */
export interface DocumentWrite extends SearchedSession {
  kind: 'document';
  messageId: string;
  clock: bigint;
  content?: SearchContent;
}

/** All documents of a session with a lower clock become stubs, also those that come later. */
export interface EraseSessionWrite extends SearchedSession {
  kind: 'eraseSession';
  clock: bigint;
}

export type SearchWrite = DocumentWrite | EraseSessionWrite;

/** Why the store will never take a write. */
export interface Rejected {
  reason: string;
}

export interface SearchQuestion {
  tenant: string;
  clauses: readonly Clause[];
  sessions: readonly string[];
  author?: string;
  sentAfterMs?: number;
  sentBeforeMs?: number;
  after?: SearchPlace;
  limit: number;
}

export interface Found {
  hits: SearchHit[];
  more: boolean;
  total: number;
}

/**
 * The search index. Writes are idempotent and free of order: of each document the highest clock wins, and what was written at
 * it first. Every method rejects when the store cannot be reached or fails; write() with a StoreUnavailable wherever that is
 * known to be no fault of the batch.
 */
export interface SearchStore {
  /**
   * Resolves once all of it is durable, with the writes that will never work by their place in the batch. After a rejection
   * any part of it may have been written.
   */
  write(batch: readonly SearchWrite[]): Promise<ReadonlyMap<number, Rejected>>;
  /** Hits behind `after`, newest first (compareHits); `total` counts those before it too. Rejects when it takes longer than FIND_MS_MAX. */
  find(question: SearchQuestion): Promise<Found>;
  /** Resolves when the store takes what this process needs of it: writes too, when it writes. */
  health(): Promise<void>;
  close(): Promise<void>;
  /** after this long what was written can be found */
  readonly seenAfterMs: number;
  /** Resolves when everything can be found that was written before. Absent: it always can. */
  makeSeen?(): Promise<void>;
}

/** A document as it lies in the index: `words` is what the index has of the text, which `wordsOf` makes of one. */
export interface StoredDocument {
  messageId: string;
  clock: bigint;
  content?: Omit<SearchContent, 'text'> & { words: string };
}

/** What an audit compares the index with. */
export interface SearchLook {
  /** Pages of a session's documents, stubs too, in the order of their ids. Everything that was written before is in them. */
  documents(session: SearchedSession): AsyncIterable<readonly StoredDocument[]>;
  wordsOf(text: string): string;
}

/**
 * Copies of the whole index, numbered from 1, of which one is current: a SearchStore that was opened without naming one
 * resolves it anew for each batch and each question.
 */
export interface SearchGenerations {
  /** The current one, and all others that exist. An empty store has current 1. */
  list(): Promise<{ current: number; others: readonly number[] }>;
  /** Makes one and answers a store that writes to it alone. Rejects when it exists. */
  make(generation: number): Promise<SearchStore>;
  /** Makes it the current one, in one step. Rejects when there is no such generation. */
  swap(generation: number): Promise<void>;
  /** Nothing happens where there is none. Rejects when it is the current one. */
  drop(generation: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * There is no index where there was one: made anew by itself it would find only what comes from now on, and nobody would know.
 * Search is 503 until it was rebuilt.
 */
export class IndexGone extends StoreUnavailable {
  constructor() {
    super('the search index is gone: npm run rebuild -- search');
    this.name = 'IndexGone';
  }
}

/** below what an asker waits: an answer behind it would help nobody */
export const FIND_MS_MAX = 1_500;
