import { environmentOf, type Environment, type MillraceOptions } from '../environment.ts';
import { Http } from '../net/http.ts';
import { TokenSource } from '../net/token-source.ts';
import { Poll, type PollOptions } from './poll.ts';
import type {
  AdminLogLine,
  AdminPage,
  AnalyticsAnswer,
  AnalyticsPoints,
  AnalyticsQuery,
  AnalyticsStep,
  ConsumerState,
  DeadLetter,
  DeadLetterDetail,
  Discarded,
  Overview,
  PauseState,
  RebuildProgress,
  RedriveChoice,
  RedriveReport,
  Redriven,
  SessionAudit,
} from './wire.ts';

interface Paged {
  cursor?: string | undefined;
  limit?: number | undefined;
}

/** What is read (contract §8), by its operation id: path, what it is asked with, and what it answers. */
export interface AdminQueries {
  'overview.get': { params: object; answer: Overview };
  'consumers.list': { params: object; answer: { items: ConsumerState[] } };
  'deadLetters.list': { params: { consumer?: string | undefined } & Paged; answer: AdminPage<DeadLetter> };
  'deadLetters.get': { params: { id: string }; answer: DeadLetterDetail };
  'audit.session': { params: { s: string }; answer: SessionAudit };
  'adminLog.list': { params: Paged; answer: AdminPage<AdminLogLine> };
}

/** What is done, by its operation id: what the path and the body say, and what is answered. */
export interface AdminActions {
  'consumers.pause': { params: { name: string }; body: { until?: string }; answer: PauseState };
  'consumers.resume': { params: { name: string }; body: object; answer: PauseState };
  'consumers.rebuild': { params: { name: string }; body: object; answer: RebuildProgress };
  'deadLetters.redrive': { params: { id: string }; body: object; answer: Redriven };
  'deadLetters.discard': { params: { id: string }; body: object; answer: Discarded };
  'deadLetters.redriveAll': { params: object; body: RedriveChoice; answer: RedriveReport };
}

export interface AnalyticsSpan {
  from?: string | undefined;
  to?: string | undefined;
  step?: AnalyticsStep | undefined;
}

/**
 * What those who operate a Millrace ask and do (contract §8); its tokens need the scope `admin`. Every failure is a MillraceError.
 * Reading is repeated while that may help; what changes something is sent once, and is safe to send again.
 */
export class Operator {
  readonly #environment: Environment;
  readonly #http: Http;

  constructor(options: MillraceOptions) {
    this.#environment = environmentOf(options);
    this.#http = new Http(this.#environment, new TokenSource(this.#environment, options.getToken));
  }

  /** All parts of the system. It answers while parts are down, and says of which nobody answered. */
  overview(signal?: AbortSignal): Promise<Overview> {
    return this.#get('/overview', {}, signal);
  }

  consumers(signal?: AbortSignal): Promise<{ items: ConsumerState[] }> {
    return this.#get('/consumers', {}, signal);
  }

  /** Gives a consumer nothing more, until it is resumed or at the latest until `until`: RFC 3339, at most 7 days from now (`relay`: 3). */
  pause(name: string, until?: string): Promise<PauseState> {
    return this.#post(`/consumers/${encodeURIComponent(name)}/pause`, until === undefined ? {} : { until });
  }

  resume(name: string): Promise<PauseState> {
    return this.#post(`/consumers/${encodeURIComponent(name)}/resume`);
  }

  /** Makes a read model anew, while the old one serves; answers once it has begun. */
  rebuild(name: string): Promise<RebuildProgress> {
    return this.#post(`/consumers/${encodeURIComponent(name)}/rebuild`);
  }

  /** Newest first. */
  deadLetters(
    params: AdminQueries['deadLetters.list']['params'] = {},
    signal?: AbortSignal,
  ): Promise<AdminQueries['deadLetters.list']['answer']> {
    return this.#get('/dead-letters', params, signal);
  }

  deadLetter(id: string, signal?: AbortSignal): Promise<DeadLetterDetail> {
    return this.#get(`/dead-letters/${encodeURIComponent(id)}`, {}, signal);
  }

  redrive(id: string): Promise<Redriven> {
    return this.#post(`/dead-letters/${encodeURIComponent(id)}/redrive`);
  }

  discard(id: string): Promise<Discarded> {
    return this.#post(`/dead-letters/${encodeURIComponent(id)}/discard`);
  }

  /** Many; a page at a time, as `nextCursor` says. */
  redriveAll(choice: RedriveChoice = {}): Promise<RedriveReport> {
    return this.#post('/dead-letters/redrive', choice);
  }

  /** What edge, stream, archive and read models hold of a session, compared. */
  audit(sessionId: string, signal?: AbortSignal): Promise<SessionAudit> {
    return this.#get(`/audit/sessions/${encodeURIComponent(sessionId)}`, {}, signal);
  }

  /** Who did what; newest first. */
  log(params: Paged = {}, signal?: AbortSignal): Promise<AdminPage<AdminLogLine>> {
    return this.#get('/log', params, signal);
  }

  analytics<Q extends AnalyticsQuery>(
    query: Q,
    span: AnalyticsSpan = {},
    signal?: AbortSignal,
  ): Promise<AnalyticsAnswer<AnalyticsPoints[Q]>> {
    return this.#get(`/analytics/${query}`, span, signal);
  }

  /** Reads again and again while somebody holds it open; see Poll. */
  poll<T>(read: (operator: Operator, signal: AbortSignal) => Promise<T>, options: PollOptions): Poll<T> {
    return new Poll(this.#environment, (signal) => read(this, signal), options);
  }

  #get<T>(path: string, params: object, signal: AbortSignal | undefined): Promise<T> {
    const query = Object.entries(params)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => `${key}=${encodeURIComponent(String(value))}`)
      .join('&');
    return this.#http.read(`/v1/admin${path}${query === '' ? '' : `?${query}`}`, signal);
  }

  async #post<T>(path: string, body: object = {}): Promise<T> {
    return (await this.#http.once<T>({ method: 'POST', path: `/v1/admin${path}`, body })).body;
  }
}
