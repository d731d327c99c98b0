import type { AnalyticsPoint, AnalyticsQuery, AnalyticsStep, Percentiles } from '../../../shared/contract/analytics.ts';
import type { SeqRange } from '../../../shared/core/seq-ranges.ts';
import type { ActorKind, EventType } from '../../../shared/core/types.ts';
import { StoreUnavailable } from '../store-unavailable.ts';

/** One accepted event, without anything that anybody wrote. Times are epoch milliseconds. */
export interface EventRow {
  tenant: string;
  sessionId: string;
  seq: number;
  eventId: string;
  type: EventType;
  actor: string;
  actorKind: ActorKind;
  acceptedAtMs: number;
  /** how a stream or a trace ended, and after what time */
  ended?: { kind: 'stream' | 'trace'; status: 'completed' | 'cancelled' | 'failed'; durationMs: number };
}

/** As MILLRACE_RECEIPTS has it: when these seqs of a session were published, and persisted. */
export interface ReceiptRow {
  tenant: string;
  sessionId: string;
  seqs: readonly SeqRange[];
  publishedAtMs: number;
  persistedAtMs: number;
}

export type HeldEvent = Pick<EventRow, 'seq' | 'eventId' | 'type'>;

export interface LetterRow {
  /** of the letter, the same however often it is read */
  id: string;
  tenant: string;
  consumer: string;
  reason: string;
  atMs: number;
}

/** Steps of a tenant: from `fromMs`, which is aligned to the step, `points` of them. */
export interface Span {
  tenant: string;
  fromMs: number;
  step: AnalyticsStep;
  points: number;
}

/** A point's place in its span, from 0; steps in which nothing happened are left out. */
export interface Counted {
  step: number;
}

/**
 * What the analytics store can be asked. Everything counts distinct events by id, and of several receipts of a seq the
 * earliest times, so that neither order nor repetition of any write changes a figure.
 */
export interface Figures {
  messages(span: Span): Promise<(Counted & { messages: number })[]>;
  'active-users'(span: Span): Promise<(Counted & { users: number })[]>;
  sessions(span: Span): Promise<(Counted & { created: number; active: number })[]>;
  latency(span: Span): Promise<(Counted & { events: number; publishedMs: Percentiles; persistedMs: Percentiles })[]>;
  streams(span: Span): Promise<(Counted & Ends & { cancelled: number })[]>;
  traces(span: Span): Promise<(Counted & Ends)[]>;
  errors(span: Span): Promise<(Counted & { failedStreams: number; failedTraces: number; deadLetters: number })[]>;
  'dead-letters'(span: Span): Promise<(Counted & { consumer: string; reason: string; letters: number })[]>;
}

export interface Ends {
  completed: number;
  failed: number;
  durationMs: Percentiles;
}

/** Every method rejects when the store cannot be reached or fails; a write with a StoreUnavailable where that is known. */
export interface AnalyticsStore extends Figures {
  /** Each resolves once all of it is durable. After a rejection any part may have been written. */
  writeEvents(rows: readonly EventRow[]): Promise<void>;
  writeReceipts(rows: readonly ReceiptRow[]): Promise<void>;
  writeLetters(rows: readonly LetterRow[]): Promise<void>;
  /** The distinct events of a session that there are rows of, by seq and then by id: what an audit asks. */
  heldEvents(session: { tenant: string; sessionId: string }, from: number, to: number): Promise<HeldEvent[]>;
  /** Resolves when the store takes what this process needs of it. */
  health(): Promise<void>;
  close(): Promise<void>;
}

/** What a query answers; `Figures` and the contract must agree on the names. */
export type PointOf<Q extends AnalyticsQuery> = AnalyticsPoint<Q>;

export interface AnalyticsOptions {
  /** false: only reads; nothing is made, and health writes nothing */
  writes: boolean;
  /** where there are no tables: make them; else throw TablesGone */
  mayMake: boolean;
}

/**
 * There are no tables where there were some, or not all of them: made anew by themselves they would count only what comes from now
 * on, and nobody would know. No figure is answered until they were rebuilt.
 */
export class TablesGone extends StoreUnavailable {
  constructor() {
    super('the tables of analytics are gone: npm run rebuild -- analytics');
    this.name = 'TablesGone';
  }
}
